package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// state is what a cluster keeps from one process to the next, beside its certificates and etcd's data.
type state struct {
	Ports  ports  `json:"ports"`
	Tokens tokens `json:"tokens"`
}

// ports on 127.0.0.1; 0 until they are chosen.
type ports struct {
	Server  int `json:"server"`
	Kubelet int `json:"kubelet"`
	Door    int `json:"door"`
	Control int `json:"control"`
}

// tokens with which people and components sign in.
type tokens struct {
	Admin     string `json:"admin"`
	Manager   string `json:"manager"`
	Scheduler string `json:"scheduler"`
}

// listeners are opened before anything starts, so that a port is found to be taken early, and stay open, so that nobody
// else takes one meanwhile.
type listeners struct{ server, kubelet, door, control net.Listener }

// loadState reads the state, or makes it up and writes it.
func (c *cluster) loadState() error {
	text, err := os.ReadFile(c.file("state.json"))
	if err == nil {
		err = json.Unmarshal(text, &c.state)
	} else if errors.Is(err, os.ErrNotExist) {
		c.state.Tokens, err = tokens{Admin: rand.Text(), Manager: rand.Text(), Scheduler: rand.Text()}, nil
	}
	if err != nil {
		return fmt.Errorf("could not read the cluster's state: %w", err)
	}
	if err := c.listen(); err != nil {
		return err
	}
	text, err = json.Marshal(c.state)
	if err != nil {
		return fmt.Errorf("the cluster's state is not JSON: %w", err)
	}
	if err := os.WriteFile(c.file("state.json"), text, 0o600); err != nil {
		return fmt.Errorf("could not keep the cluster's state: %w", err)
	}
	return c.writeTokens()
}

// listen opens all ports, the same as before if there was a before.
func (c *cluster) listen() error {
	open := func(port *int) (net.Listener, error) {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
		if err != nil {
			return nil, fmt.Errorf("could not listen (is another process on this folder?): %w", err)
		}
		*port = listener.Addr().(*net.TCPAddr).Port
		return listener, nil
	}
	var err error
	all, to := &c.state.Ports, &c.listeners
	if to.server, err = open(&all.Server); err != nil {
		return err
	}
	if to.kubelet, err = open(&all.Kubelet); err != nil {
		return err
	}
	if to.door, err = open(&all.Door); err != nil {
		return err
	}
	to.control, err = open(&all.Control)
	return err
}

// writeTokens writes the file that the API server reads: token, user, uid, groups.
func (c *cluster) writeTokens() error {
	lines := []string{
		c.state.Tokens.Admin + `,admin,admin,system:masters`,
		c.state.Tokens.Manager + `,system:kube-controller-manager,manager`,
		c.state.Tokens.Scheduler + `,system:kube-scheduler,scheduler`,
	}
	err := os.WriteFile(c.file("tokens.csv"), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
	if err != nil {
		return fmt.Errorf("could not write the tokens: %w", err)
	}
	return nil
}

// writeKubeconfigs writes one for each who signs in, and the administrator's once more through the door.
func (c *cluster) writeKubeconfigs() error {
	authority, err := os.ReadFile(c.file("pki/ca.crt"))
	if err != nil {
		return fmt.Errorf("could not read the cluster's authority: %w", err)
	}
	door := fmt.Sprintf("https://127.0.0.1:%d", c.state.Ports.Door)
	for _, one := range []struct{ file, server, token string }{
		{"kubeconfig", c.serverURL(), c.state.Tokens.Admin},
		{"door.kubeconfig", door, c.state.Tokens.Admin},
		{"manager.kubeconfig", c.serverURL(), c.state.Tokens.Manager},
		{"scheduler.kubeconfig", c.serverURL(), c.state.Tokens.Scheduler},
	} {
		name := "landfall-test"
		config := api.Config{
			Clusters:       map[string]*api.Cluster{name: {Server: one.server, CertificateAuthorityData: authority}},
			AuthInfos:      map[string]*api.AuthInfo{name: {Token: one.token}},
			Contexts:       map[string]*api.Context{name: {Cluster: name, AuthInfo: name}},
			CurrentContext: name,
		}
		if err := clientcmd.WriteToFile(config, c.file(one.file)); err != nil {
			return fmt.Errorf("could not write the kubeconfig: %w", err)
		}
	}
	return nil
}
