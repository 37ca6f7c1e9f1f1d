package manifest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/invigil/invigil/hack/localcluster/internal/layout"
	"github.com/invigil/invigil/hack/localcluster/internal/pki"
)

var update = flag.Bool("update", false, "write what is rendered into the golden files")

func TestGolden(t *testing.T) {
	l := layout.Layout{State: "/state"}
	cert := pki.Pair{CertFile: "/state/pki/n.crt", KeyFile: "/state/pki/n.key"}
	for name, renderIt := range map[string]func() ([]byte, error){
		"containerd-1.toml": func() ([]byte, error) { return Containerd(l.Node(1), "/cache/plugins", "pause:v1") },
		"containerd-2.toml": func() ([]byte, error) { return Containerd(l.Node(2), "/cache/plugins", "pause:v1") },
		"cni-2.conflist":    func() ([]byte, error) { return CNI(l.Node(2)) },
		"kubelet-2.yaml": func() ([]byte, error) {
			return Kubelet(l.Node(2), "/state/pki/ca.crt", "/state/resolv.conf", cert)
		},
		"kube-proxy-2.yaml": func() ([]byte, error) { return Proxy(l.Node(2), "/state/config/p.kubeconfig") },
		"addons.yaml":       func() ([]byte, error) { return Addons("coredns:v1") },
		"kubeconfig.yaml": func() ([]byte, error) {
			return Kubeconfig("admin", "https://127.0.0.1:1", []byte("ca"), []byte("cert"), []byte("key"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := renderIt()
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("%s differs; run the test with -update if it should.\ngot:\n%s", golden, got)
			}
		})
	}
}
