// Package manifest renders the configuration files of a local cluster.
package manifest

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"text/template"

	"github.com/invigil/invigil/hack/localcluster/internal/layout"
	"github.com/invigil/invigil/hack/localcluster/internal/pki"
)

//go:embed templates
var files embed.FS

var templates = template.Must(template.New("").
	Option("missingkey=error").
	Funcs(template.FuncMap{"base64": base64.StdEncoding.EncodeToString}).
	ParseFS(files, "templates/*"))

func render(name string, values map[string]any) ([]byte, error) {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, values); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// Containerd configures a node's container runtime.
func Containerd(node layout.Node, pluginDir, pauseImage string) ([]byte, error) {
	return render("containerd.toml", map[string]any{"Node": node, "PluginDir": pluginDir, "PauseImage": pauseImage})
}

// CNI configures a node's pod network.
func CNI(node layout.Node) ([]byte, error) {
	return render("cni.conflist", map[string]any{"Node": node, "PodBridge": layout.PodBridge})
}

// Kubelet configures a node's kubelet.
func Kubelet(node layout.Node, caFile, resolvConf string, cert pki.Pair) ([]byte, error) {
	return render("kubelet.yaml", map[string]any{
		"Node": node, "CAFile": caFile, "ResolvConf": resolvConf, "Cert": cert,
		"KubeletPort": layout.KubeletPort, "DNSIP": layout.DNSIP, "ClusterDomain": layout.ClusterDomain,
	})
}

// Proxy configures a node's kube-proxy.
func Proxy(node layout.Node, kubeconfig string) ([]byte, error) {
	return render("kube-proxy.yaml", map[string]any{
		"Node": node, "Kubeconfig": kubeconfig,
		"PodNetwork": layout.PodNetwork, "ProxyHealthPort": layout.ProxyHealthPort,
	})
}

// Kubeconfig renders the credentials of a user of the API server.
func Kubeconfig(user, server string, ca, cert, key []byte) ([]byte, error) {
	return render("kubeconfig.yaml", map[string]any{
		"Context": layout.Context, "User": user, "Server": server, "CA": ca, "Cert": cert, "Key": key,
	})
}

// Addons renders the objects every cluster starts with: name server, default
// storage class and the rights of the host's processes.
func Addons(coreDNSImage string) ([]byte, error) {
	return render("addons.yaml", map[string]any{
		"CoreDNSImage": coreDNSImage, "ClusterDomain": layout.ClusterDomain, "DNSIP": layout.DNSIP,
		"StorageClass": layout.StorageClass, "ProvisionerName": layout.ProvisionerName,
		"ProvisionerUser": layout.ProvisionerUser, "FirstNode": layout.Layout{}.Node(1).Name,
	})
}
