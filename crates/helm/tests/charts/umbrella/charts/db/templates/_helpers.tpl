{{- define "shared" }}db{{ end }}
{{- define "blank" }}db{{ end }}
