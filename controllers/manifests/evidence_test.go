package manifests_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
)

// An earlier Exam's volume is used as it is: what a claim may not change is taken
// from it, it never shrinks, and the keys of its other folders stay on it.
func TestEvidenceClaimTakesOverWhatIsThere(t *testing.T) {
	t.Parallel()

	existing := func(size string) *corev1.PersistentVolumeClaim {
		return &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{
				"evidence.exam.invigil.dev/an-earlier-one": "its key", "pv.kubernetes.io/bind-completed": "yes",
			}},
			Spec: corev1.PersistentVolumeClaimSpec{
				StorageClassName: ptr.To("old"),
				Resources: corev1.VolumeResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)},
				},
			},
		}
	}

	cases := map[string]struct {
		volume   *examv1alpha1.EvidenceVolume
		existing *corev1.PersistentVolumeClaim
		// want is size, class and number of annotations.
		want string
	}{
		"a new one by default": {want: "5Gi, class -, 1 keys"},
		"a new one as given": {
			volume: &examv1alpha1.EvidenceVolume{Size: ptr.To(resource.MustParse("2Gi")), StorageClassName: ptr.To("fast")},
			want:   "2Gi, class fast, 1 keys",
		},
		"a smaller one grows": {existing: existing("1Gi"), want: "5Gi, class old, 2 keys"},
		"a larger one stays":  {existing: existing("9Gi"), want: "9Gi, class old, 2 keys"},
		"another class is not asked for": {
			volume:   &examv1alpha1.EvidenceVolume{StorageClassName: ptr.To("fast")},
			existing: existing("5Gi"), want: "5Gi, class old, 2 keys",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			exam := minimal().Exam
			exam.Spec.Evidence.Volume = tc.volume

			claim := manifests.EvidenceClaim(exam, testEvidenceKey(t), tc.existing)
			got := fmt.Sprintf("%s, class %s, %d keys", claim.Spec.Resources.Requests.Storage(),
				ptr.Deref(claim.Spec.StorageClassName, "-"), len(claim.Annotations))

			if got != tc.want {
				t.Errorf("%s; want %s", got, tc.want)
			}

			if claim.Annotations[manifests.EvidenceAnnotation(exam)] != testEvidenceKey(t).Public() {
				t.Error("the claim does not name the exam's key")
			}
		})
	}
}

// Each Exam has a prefix of its own, and scoring may reach the bucket's port.
func TestEvidenceBucket(t *testing.T) {
	t.Parallel()

	const own = "school%2Falgebra-1%2F7f9c3c1e-0000-4000-8000-000000000001%2F"

	cases := map[string]struct {
		url, want string
		// ports that are opened to anywhere, beside DNS.
		ports []int32
	}{
		"plain": {url: "s3://evidence", want: "s3://evidence?prefix=" + own, ports: []int32{443}},
		"a prefix": {
			url:   "s3://evidence?prefix=a/b/&region=eu-central-1",
			want:  "s3://evidence?prefix=a%2Fb%2F" + own + "&region=eu-central-1",
			ports: []int32{443},
		},
		"a prefix without its slash": {url: "s3://e/?prefix=a", want: "s3://e/?prefix=a%2F" + own, ports: []int32{443}},
		"a server of one's own": {
			url:  "s3://evidence?endpoint=http://minio:9000",
			want: "s3://evidence?endpoint=http%3A%2F%2Fminio%3A9000&prefix=" + own, ports: []int32{9000},
		},
		"a server without TLS": {
			url:  "s3://evidence?endpoint=http://minio",
			want: "s3://evidence?endpoint=http%3A%2F%2Fminio&prefix=" + own, ports: []int32{80},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			in := minimal()
			in.Exam.Spec.Evidence = examv1alpha1.Evidence{
				Type: examv1alpha1.EvidenceInBucket,
				Bucket: &examv1alpha1.EvidenceBucket{
					URL: tc.url, SecretRef: &examv1alpha1.EvidenceSecretRef{Name: "s"},
				},
			}

			if got := manifests.EvidenceBucketURL(in.Exam); got != tc.want {
				t.Errorf("bucket %s; want %s", got, tc.want)
			}

			var ports []int32

			for _, rule := range manifests.NetworkPolicies(in)[1].Spec.Egress {
				for _, port := range rule.Ports {
					if len(rule.To) == 0 && port.Port.IntVal != 53 {
						ports = append(ports, port.Port.IntVal)
					}
				}
			}

			if diff := cmp.Diff(tc.ports, ports); diff != "" {
				t.Errorf("ports to anywhere (-want +got):\n%s", diff)
			}
		})
	}
}

// Without a Secret the node's own credentials are asked for; without a bucket, or
// where nothing is recorded, no further port is open.
func TestEvidenceEgress(t *testing.T) {
	t.Parallel()

	count := func(change func(*manifests.Input)) int {
		in := minimal()
		change(&in)

		return len(manifests.NetworkPolicies(in)[1].Spec.Egress)
	}
	bucket := examv1alpha1.Evidence{
		Type: examv1alpha1.EvidenceInBucket, Bucket: &examv1alpha1.EvidenceBucket{URL: "s3://evidence"},
	}

	got := []int{
		count(func(*manifests.Input) {}),
		count(func(in *manifests.Input) { in.Exam.Spec.Evidence = bucket }),
		count(func(in *manifests.Input) { in.Exam.Spec.Evidence, in.Evidence = bucket, false }),
	}
	if diff := cmp.Diff([]int{3, 5, 3}, got); diff != "" {
		t.Errorf("rules on a volume, in a bucket, unrecorded (-want +got):\n%s", diff)
	}
}
