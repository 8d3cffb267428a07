package kubelet

import "testing"

// TestProgramName: only the first word of a command chooses, and only among what the pod names.
func TestProgramName(t *testing.T) {
	const named = "pg_dump=dump, psql=load"
	for command, want := range map[string]string{"pg_dump": "dump", "psql": "load", "sh": "", "": ""} {
		if got := programName(named, command); got != want {
			t.Errorf("%q: %q instead of %q", command, got, want)
		}
	}
}
