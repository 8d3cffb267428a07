package plane

import (
	"fmt"
	"net/url"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

// socket is where the API server finds etcd: no port, no certificates.
func (p *Plane) socket() string { return "unix://" + filepath.Join(p.config.Folder, "etcd.sock") }

// startEtcd starts an etcd of one member and waits until it answers.
func (p *Plane) startEtcd() error {
	// By default each log file takes 64 MB of disk before anything is written.
	wal.SegmentSizeBytes = 4 << 20
	config := embed.NewConfig()
	config.Dir = filepath.Join(p.config.Folder, "etcd")
	config.LogLevel = "warn"
	// A power cut may take the cluster with it; it is made for one test run.
	config.UnsafeNoFsync = true
	clients, err := url.Parse(p.socket())
	if err != nil {
		return fmt.Errorf("%s is no address for etcd's socket: %w", p.socket(), err)
	}
	peers := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*clients}, []url.URL{*clients}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peers}, []url.URL{peers}
	config.InitialCluster = config.Name + "=" + peers.String()
	p.etcd, err = embed.StartEtcd(config)
	if err != nil {
		return fmt.Errorf("could not start etcd: %w", err)
	}
	<-p.etcd.Server.ReadyNotify()
	return nil
}
