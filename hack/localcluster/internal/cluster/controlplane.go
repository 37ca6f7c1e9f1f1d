package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/invigil/invigil/hack/localcluster/internal/layout"
	"github.com/invigil/invigil/hack/localcluster/internal/process"
)

// ensureControlPlane starts etcd, the API server and what works through it, and
// waits until the API server answers.
func (c *Cluster) ensureControlPlane(ctx context.Context) error {
	for _, spec := range []process.Spec{c.etcd(), c.apiServer()} {
		if err := c.ensureProcess(ctx, spec, controlGroup()); err != nil {
			return err
		}
	}
	if err := c.wait(ctx, "etcd", time.Minute, []string{"etcd"}, etcdHealthy); err != nil {
		return err
	}
	err := c.wait(ctx, "the API server", 2*time.Minute, []string{"etcd", "apiserver"}, func(ctx context.Context) error {
		return c.client.Get(ctx, "/readyz", nil)
	})
	if err != nil {
		return err
	}
	c.Report("API server ready at %s", server())
	// These give up when they find no API server, so they come after it.
	for _, spec := range []process.Spec{c.controllerManager(), c.scheduler()} {
		if err := c.ensureProcess(ctx, spec, controlGroup()); err != nil {
			return err
		}
	}
	return nil
}

func etcdURL(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

func etcdHealthy(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, etcdURL(layout.EtcdPort)+"/health", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		return fmt.Errorf("etcd is not healthy: %s", answer)
	}
	return nil
}

func (c *Cluster) etcd() process.Spec {
	return process.Spec{Name: "etcd", Command: []string{
		c.programs["etcd"],
		"--name=invigil",
		"--data-dir=" + c.Etcd(),
		"--listen-client-urls=" + etcdURL(layout.EtcdPort),
		"--advertise-client-urls=" + etcdURL(layout.EtcdPort),
		"--listen-peer-urls=" + etcdURL(layout.EtcdPeerPort),
		"--initial-advertise-peer-urls=" + etcdURL(layout.EtcdPeerPort),
		"--initial-cluster=invigil=" + etcdURL(layout.EtcdPeerPort),
		// Waiting for the disk is most of what etcd does, and the data does not
		// have to survive the machine.
		"--unsafe-no-fsync",
		"--log-level=warn",
	}}
}

func (c *Cluster) apiServer() process.Spec {
	cr := c.credentials
	return process.Spec{
		Name: "apiserver",
		Command: []string{
			c.programs["kube-apiserver"],
			"--etcd-servers=" + etcdURL(layout.EtcdPort),
			// All addresses, since pods, nodes and the machine each use another;
			// the packet filter keeps everybody else out.
			"--bind-address=0.0.0.0",
			fmt.Sprintf("--secure-port=%d", layout.APIPort),
			"--advertise-address=" + c.Node(1).IP(),
			"--service-cluster-ip-range=" + layout.ServiceNetwork,
			"--allow-privileged=true",
			"--authorization-mode=Node,RBAC",
			"--enable-admission-plugins=NodeRestriction",
			"--profiling=false",
			"--tls-cert-file=" + cr.apiServer.CertFile,
			"--tls-private-key-file=" + cr.apiServer.KeyFile,
			"--client-ca-file=" + cr.ca.CertFile,
			"--service-account-issuer=" + layout.TokenIssuer,
			"--service-account-key-file=" + cr.tokenPublic,
			"--service-account-signing-key-file=" + cr.tokenPrivate,
			// Node names cannot be resolved here, which logs and exec would need.
			"--kubelet-preferred-address-types=InternalIP",
			"--kubelet-certificate-authority=" + cr.ca.CertFile,
			"--kubelet-client-certificate=" + cr.toKubelets.CertFile,
			"--kubelet-client-key=" + cr.toKubelets.KeyFile,
			"--requestheader-client-ca-file=" + cr.frontProxyCA.CertFile,
			"--requestheader-allowed-names=front-proxy",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--requestheader-group-headers=X-Remote-Group",
			"--requestheader-username-headers=X-Remote-User",
			"--proxy-client-cert-file=" + cr.frontProxy.CertFile,
			"--proxy-client-key-file=" + cr.frontProxy.KeyFile,
			"--enable-aggregator-routing=true",
		},
		Inputs: []string{
			cr.apiServer.CertFile, cr.ca.CertFile, cr.tokenPrivate, cr.toKubelets.CertFile,
			cr.frontProxyCA.CertFile, cr.frontProxy.CertFile,
		},
	}
}

func (c *Cluster) controllerManager() process.Spec {
	cr := c.credentials
	return process.Spec{
		Name: "controller-manager",
		Command: []string{
			c.programs["kube-controller-manager"],
			"--kubeconfig=" + c.Kubeconfig("controller-manager"),
			"--use-service-account-credentials",
			"--service-account-private-key-file=" + cr.tokenPrivate,
			"--root-ca-file=" + cr.ca.CertFile,
			"--cluster-signing-cert-file=" + cr.ca.CertFile,
			"--cluster-signing-key-file=" + cr.ca.KeyFile,
			// Each node's range is fixed by its number, see ensureNodeObject.
			"--allocate-node-cidrs=false",
			"--leader-elect=false",
			"--secure-port=0",
			"--profiling=false",
		},
		Inputs: []string{c.Kubeconfig("controller-manager"), cr.ca.CertFile, cr.tokenPrivate},
	}
}

func (c *Cluster) scheduler() process.Spec {
	return process.Spec{
		Name: "scheduler",
		Command: []string{
			c.programs["kube-scheduler"],
			"--kubeconfig=" + c.Kubeconfig("scheduler"),
			"--leader-elect=false",
			"--secure-port=0",
			"--profiling=false",
		},
		Inputs: []string{c.Kubeconfig("scheduler")},
	}
}

func (c *Cluster) provisioner() process.Spec {
	return process.Spec{
		Name: "provisioner",
		Command: []string{
			c.programs["provisioner"],
			"--kubeconfig=" + c.Kubeconfig("provisioner"),
			"--root=" + c.Volumes(),
			"--name=" + layout.ProvisionerName,
		},
		Inputs: []string{c.Kubeconfig("provisioner")},
	}
}
