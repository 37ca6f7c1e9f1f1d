package cluster

import (
	"fmt"
	"net"
	"os"

	"github.com/invigil/invigil/hack/localcluster/internal/api"
	"github.com/invigil/invigil/hack/localcluster/internal/atomicfile"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
	"github.com/invigil/invigil/hack/localcluster/internal/manifest"
	"github.com/invigil/invigil/hack/localcluster/internal/pki"
)

// credentials are the files of certificates and keys.
type credentials struct {
	ca, frontProxyCA          *pki.Authority
	apiServer, toKubelets     pki.Pair
	frontProxy, admin         pki.Pair
	tokenPrivate, tokenPublic string
	kubelets                  map[string]pki.Pair
}

// ensureCredentials makes what is missing, is about to expire or does not fit.
func (c *Cluster) ensureCredentials(nodes []layout.Node) error {
	var made credentials
	var err error
	if made.ca, err = pki.OpenAuthority(c.PKI(), "ca"); err != nil {
		return err
	}
	// An authority of its own: whoever holds a certificate of this one may
	// speak for any user to the API server.
	if made.frontProxyCA, err = pki.OpenAuthority(c.PKI(), "front-proxy-ca"); err != nil {
		return err
	}
	if made.tokenPrivate, made.tokenPublic, err = pki.EnsureSigningKey(c.PKI()); err != nil {
		return err
	}
	if made.frontProxy, err = made.frontProxyCA.Issue(pki.Leaf{Name: "front-proxy", CommonName: "front-proxy"}); err != nil {
		return err
	}
	if made.apiServer, err = made.ca.Issue(apiServerLeaf(c.Node(1))); err != nil {
		return err
	}
	if made.toKubelets, err = made.ca.Issue(pki.Leaf{
		Name: "apiserver-kubelet", CommonName: "invigil-local:apiserver", Organization: "system:masters",
	}); err != nil {
		return err
	}
	if made.admin, err = made.ca.Issue(pki.Leaf{
		Name: "admin", CommonName: "invigil-local:admin", Organization: "system:masters",
	}); err != nil {
		return err
	}
	if err := writeKubeconfig(c.AdminKubeconfig(), "invigil-local-admin", server(), made.ca, made.admin); err != nil {
		return err
	}
	for name, user := range map[string]string{
		"controller-manager": "system:kube-controller-manager",
		"scheduler":          "system:kube-scheduler",
		"provisioner":        layout.ProvisionerUser,
	} {
		if err := c.issueKubeconfig(made.ca, pki.Leaf{Name: name, CommonName: user}, server()); err != nil {
			return err
		}
	}
	// Nodes may be in another network namespace, where 127.0.0.1 is their own.
	fromNodes := fmt.Sprintf("https://%s:%d", c.Node(1).IP(), layout.APIPort)
	if err := c.issueKubeconfig(made.ca, pki.Leaf{Name: "proxy", CommonName: "system:kube-proxy"}, fromNodes); err != nil {
		return err
	}
	made.kubelets = map[string]pki.Pair{}
	for _, node := range nodes {
		leaf := pki.Leaf{
			Name: node.Process("kubelet"), CommonName: "system:node:" + node.Name, Organization: "system:nodes",
			DNS: []string{node.Name}, IPs: []net.IP{net.ParseIP(node.IP())},
		}
		if err := c.issueKubeconfig(made.ca, leaf, fromNodes); err != nil {
			return err
		}
		// The same certificate serves the kubelet's own port.
		if made.kubelets[node.Name], err = made.ca.Issue(leaf); err != nil {
			return err
		}
	}
	c.credentials = made
	return c.connect()
}

// connect makes the client, from credentials that exist.
func (c *Cluster) connect() error {
	ca, admin := c.PKI()+"/ca.crt", pki.Pair{CertFile: c.PKI() + "/admin.crt", KeyFile: c.PKI() + "/admin.key"}
	client, err := api.NewClient(server(), ca, admin)
	if err != nil {
		return err
	}
	c.client = client
	return nil
}

// apiServerLeaf names every way the API server is called by.
func apiServerLeaf(first layout.Node) pki.Leaf {
	const service = "kubernetes.default.svc"
	return pki.Leaf{
		Name: "apiserver", CommonName: "kube-apiserver",
		DNS: []string{"localhost", "kubernetes", "kubernetes.default", service, service + "." + layout.ClusterDomain},
		IPs: []net.IP{
			net.IPv4(127, 0, 0, 1), net.ParseIP(layout.KubernetesIP), net.ParseIP(first.IP()), net.ParseIP(layout.NodeGateway),
		},
	}
}

// issueKubeconfig writes the kubeconfig called like the certificate.
func (c *Cluster) issueKubeconfig(ca *pki.Authority, leaf pki.Leaf, server string) error {
	pair, err := ca.Issue(leaf)
	if err != nil {
		return err
	}
	return writeKubeconfig(c.Kubeconfig(leaf.Name), leaf.Name, server, ca, pair)
}

func writeKubeconfig(path, user, server string, ca *pki.Authority, pair pki.Pair) error {
	cert, err := os.ReadFile(pair.CertFile)
	if err != nil {
		return fmt.Errorf("read certificate of %s: %w", user, err)
	}
	key, err := os.ReadFile(pair.KeyFile)
	if err != nil {
		return fmt.Errorf("read key of %s: %w", user, err)
	}
	content, err := manifest.Kubeconfig(user, server, ca.PEM(), cert, key)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, content, 0o600)
}
