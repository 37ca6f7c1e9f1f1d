package manifests_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/csv"
	"encoding/pem"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/apply"
	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/plan"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var starts = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)

// minimal is an Exam as the API server completes it when nothing but title and
// roster are given.
func minimal() manifests.Input {
	exam := &examv1alpha1.Exam{
		ObjectMeta: metav1.ObjectMeta{Namespace: "school", Name: "algebra-1", UID: "7f9c3c1e-0000-4000-8000-000000000001"},
		Spec: examv1alpha1.ExamSpec{
			Title:  "Algebra I",
			Policy: examv1alpha1.Policy{ReportInterval: &metav1.Duration{Duration: 2500 * time.Millisecond}},
			Media:  examv1alpha1.Media{StudentsPerPod: 100, Spares: ptr.To(int32(1))},
			Redis:  examv1alpha1.Redis{Storage: ptr.To(resource.MustParse("1Gi"))},
			Evidence: examv1alpha1.Evidence{
				Type:            examv1alpha1.EvidenceInVolume,
				Retention:       &metav1.Duration{Duration: 720 * time.Hour},
				PictureInterval: &metav1.Duration{Duration: 10 * time.Minute},
			},
		},
	}

	return manifests.Input{
		Exam:     exam,
		Course:   course.Course{Phase: course.Live, Opens: starts, Starts: starts},
		Plan:     plan.Make(plan.Input{Students: 2, StudentsPerPod: 100, Spares: 1, Phase: course.Live}),
		Students: []examv1alpha1.Student{{ID: "ada", Name: "Ada Lovelace"}, {ID: "Bob@x.org", Name: "Bob"}},
		Evidence: true,
		Images: manifests.Images{
			SFU: "sfu:v1", Scoring: "scoring:v1", Redis: "redis:v1", PullPolicy: corev1.PullIfNotPresent,
		},
		ManagerNamespace: "invigil-system",
	}
}

// full is an Exam with everything given, after its end.
func full() manifests.Input {
	in := minimal()
	in.Exam.Spec.ContentURL = "https://quiz.example.org/algebra"
	in.Exam.Spec.Schedule = &examv1alpha1.Schedule{
		StartTime: &metav1.Time{Time: starts}, Duration: &metav1.Duration{Duration: 2 * time.Hour},
		Warmup: &metav1.Duration{Duration: 15 * time.Minute}, Grace: &metav1.Duration{Duration: time.Minute},
	}
	in.Students[0].ExtraTime = &metav1.Duration{Duration: 15 * time.Minute}
	in.Students[0].PolicyOverrides = []examv1alpha1.PolicyOverride{
		{Type: examv1alpha1.GazeDeviation, Disabled: ptr.To(true)},
		{
			Type: examv1alpha1.FaceMissing, Weight: ptr.To(int32(0)),
			MustLast: &metav1.Duration{Duration: 10 * time.Second},
		},
	}
	in.Exam.Spec.Policy = examv1alpha1.Policy{
		Violations: []examv1alpha1.ViolationRule{
			{Type: examv1alpha1.Speaking, Disabled: ptr.To(true)},
			{
				Type: examv1alpha1.FocusLost, Severity: examv1alpha1.SeverityHigh, Weight: ptr.To(int32(0)),
				TTL: &metav1.Duration{Duration: time.Minute}, MustLast: &metav1.Duration{},
			},
		},
		Caps:           examv1alpha1.Caps{Low: ptr.To(int32(0))},
		Levels:         examv1alpha1.Levels{Watch: 20, Suspicious: 40, Critical: 80},
		ReportInterval: &metav1.Duration{Duration: time.Second},
	}
	given := &corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("3Gi")},
	}
	in.Exam.Spec.Media.Resources, in.Exam.Spec.Scoring.Resources, in.Exam.Spec.Redis.Resources = given, given, given
	in.Exam.Spec.Redis.StorageClassName = ptr.To("fast")
	in.Exam.Spec.Evidence = examv1alpha1.Evidence{
		Type: examv1alpha1.EvidenceInBucket,
		Bucket: &examv1alpha1.EvidenceBucket{
			URL:       "s3://evidence?region=eu-central-1&prefix=maths&endpoint=http://minio.storage:9000",
			SecretRef: &examv1alpha1.EvidenceSecretRef{Name: "evidence-bucket"},
		},
		Retention:       &metav1.Duration{},
		PictureInterval: &metav1.Duration{},
	}
	in.Exam.Spec.Detector = examv1alpha1.Detector{
		FaceModel: &examv1alpha1.FaceModel{ConfigMapPrefix: "face-model", Parts: 2, SHA256: strings.Repeat("0a", 32)},
		Thresholds: []examv1alpha1.DetectorThreshold{
			{Name: "yawEnter", Value: "30"}, {Name: "blurEnter", Value: "0.01"},
		},
	}
	in.IceServers = []wire.IceServerConfig{
		{URLs: []string{"stun:stun.example.org:3478"}},
		{URLs: []string{"turn:turn.example.org:3478?transport=udp"}, Secret: "north"},
	}
	in.MetricsNamespace = "monitoring"
	in.Invigilators = manifests.Invigilators(in.Exam, "https://kubernetes.default.svc",
		[]byte(`{"keys":[{"kty":"EC","use":"sig","kid":"k1","crv":"P-256","x":"eA","y":"eQ"}]}`))
	in.Course = course.At(course.Spec{
		Dates: course.Dates{Starts: starts, Ends: starts.Add(2 * time.Hour)}, Warmup: 15 * time.Minute,
	}, course.Known{Made: true, Up: true}, starts.Add(2*time.Hour))
	in.Plan = plan.Make(plan.Input{Students: 2, StudentsPerPod: 1, CurrentPods: 2, Phase: in.Course.Phase})

	return in
}

// testKeys are the same in every run.
func testKeys(t *testing.T) *manifests.Keys {
	t.Helper()

	keys, err := manifests.ReadKeys(keyFiles(t))
	if err != nil {
		t.Fatal(err)
	}

	return keys
}

func testEvidenceKey(t *testing.T) *manifests.EvidenceKey {
	t.Helper()

	key, err := manifests.ReadEvidenceKey(keyFiles(t))
	if err != nil {
		t.Fatal(err)
	}

	return key
}

// keyFiles are every key of an exam, as Secrets hold them.
func keyFiles(t *testing.T) map[string][]byte {
	t.Helper()

	data := map[string][]byte{}

	for i, name := range []string{"link", "session", "evidence"} {
		key := ed25519.NewKeyFromSeed([]byte(strings.Repeat(strconv.Itoa(i), ed25519.SeedSize)))

		private, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}

		public, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}

		data[name+".key"] = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
		data[name+".pub"] = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	}

	return data
}

// everything builds each object of an exam.
func everything(t *testing.T, in manifests.Input) []apply.Object {
	t.Helper()

	keys := testKeys(t)

	config, err := manifests.ConfigSecret(in)
	if err != nil {
		t.Fatal(err)
	}

	shards, err := manifests.ShardsConfigMap(in, []wire.Shard{
		{
			Name: manifests.ShardName(in.Exam.Name, 0), URL: manifests.ShardURL(in, 0),
			Addresses: []wire.Address{{IP: "192.0.2.7", Port: 30001}},
		},
		{Name: manifests.ShardName(in.Exam.Name, 1), URL: manifests.ShardURL(in, 1)},
	})
	if err != nil {
		t.Fatal(err)
	}

	links, err := manifests.LinksFiles(in, keys)
	if err != nil {
		t.Fatal(err)
	}

	objects := []apply.Object{
		manifests.KeysSecret(in.Exam, keys), manifests.RedisSecret(in.Exam, "the-password"), config, shards,
		manifests.RedisService(in), manifests.RedisStatefulSet(in),
		manifests.SFUService(in), manifests.SFUStatefulSet(in),
		manifests.ScoringService(in), manifests.ScoringDeployment(in),
		manifests.InvigilatorAccount(in.Exam), manifests.InvigilatorRole(in.Exam),
		manifests.EvidenceSecret(in.Exam, testEvidenceKey(t)),
	}
	if manifests.EvidenceClaimed(in.Exam) {
		objects = append(objects, manifests.EvidenceClaim(in.Exam, testEvidenceKey(t), nil))
	}

	objects = append(objects, manifests.PurgeJob(in))

	for chunk, file := range links {
		objects = append(objects, manifests.LinksSecret(in.Exam, chunk, file))
	}

	for _, object := range manifests.MediaServices(in) {
		objects = append(objects, object)
	}

	for _, object := range manifests.NetworkPolicies(in) {
		objects = append(objects, object)
	}

	for _, object := range manifests.DisruptionBudgets(in) {
		objects = append(objects, object)
	}

	for _, student := range in.Students {
		objects = append(objects, manifests.ExamSession(in.Exam, student))
	}

	return objects
}

func TestGolden(t *testing.T) {
	t.Parallel()

	for name, in := range map[string]manifests.Input{"minimal": minimal(), "full": full()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			folder := filepath.Join("testdata", name)

			if *update {
				if err := os.RemoveAll(folder); err != nil {
					t.Fatal(err)
				}

				if err := os.MkdirAll(folder, 0o755); err != nil {
					t.Fatal(err)
				}
			}

			wantFiles := map[string]bool{}

			for _, object := range everything(t, in) {
				file := strings.ToLower(*object.GetKind()) + "_" + *object.GetName() + ".yaml"
				wantFiles[file] = true
				checkGolden(t, filepath.Join(folder, file), readable(t, object))
			}

			entries, err := os.ReadDir(folder)
			if err != nil {
				t.Fatal(err)
			}

			for _, entry := range entries {
				if !wantFiles[entry.Name()] {
					t.Errorf("%s is the golden file of no object", filepath.Join(folder, entry.Name()))
				}
			}
		})
	}
}

func checkGolden(t *testing.T, file string, got []byte) {
	t.Helper()

	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}

		return
	}

	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (make it with -update)", err)
	}

	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; rewrite with -update):\n%s", file, diff)
	}
}

// readable is the object as YAML, with what a Secret holds in clear, except for
// keys and the signatures of links.
func readable(t *testing.T, object apply.Object) []byte {
	t.Helper()

	data, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}

	if *object.GetKind() != "Secret" {
		return data
	}

	var secret struct {
		metav1.PartialObjectMetadata

		Data       map[string][]byte `json:"data,omitempty"`
		StringData map[string]string `json:"stringData,omitempty"`
		Type       string            `json:"type,omitempty"`
	}
	if err := yaml.Unmarshal(data, &secret); err != nil {
		t.Fatal(err)
	}

	secret.StringData = map[string]string{}

	for key, value := range secret.Data {
		switch {
		case strings.HasSuffix(key, ".key") || strings.HasSuffix(key, ".pub"):
			secret.StringData[key] = strings.SplitN(string(value), "\n", 2)[0] + "..."
		default:
			secret.StringData[key] = string(value)
		}
	}

	secret.Data = nil

	data, err = yaml.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}

	return data
}

// TestEveryObject holds for whatever is built: owner, labels, and for each pod
// what PodSecurity "restricted" asks for is in the golden files.
func TestEveryObject(t *testing.T) {
	t.Parallel()

	in := minimal()

	for _, object := range everything(t, in) {
		data, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}

		var meta metav1.PartialObjectMetadata
		if err := yaml.Unmarshal(data, &meta); err != nil {
			t.Fatal(err)
		}

		name := meta.Kind + " " + meta.Name

		// The volume of evidence outlives its exam.
		outlives := meta.Kind == "PersistentVolumeClaim"
		if metav1.IsControlledBy(&meta, in.Exam) == outlives || outlives && len(meta.OwnerReferences) > 0 {
			t.Errorf("%s is owned by %+v", name, meta.OwnerReferences)
		}

		for _, label := range []string{
			manifests.LabelName, manifests.LabelComponent, manifests.LabelInstance, manifests.LabelManagedBy,
			examv1alpha1.LabelExam,
		} {
			if meta.Labels[label] == "" {
				t.Errorf("%s has no label %s", name, label)
			}
		}

		if meta.Namespace != in.Exam.Namespace {
			t.Errorf("%s is in namespace %q", name, meta.Namespace)
		}
	}
}

func TestLinksAreChunkedAndGood(t *testing.T) {
	t.Parallel()

	in := minimal()
	in.Students = nil

	for i := range 2001 {
		id := fmt.Sprintf("s%d", i)
		in.Students = append(in.Students, examv1alpha1.Student{ID: id, Name: id})
	}

	keys := testKeys(t)

	files, err := manifests.LinksFiles(in, keys)
	if err != nil {
		t.Fatal(err)
	}

	verifier := token.NewVerifier(keys.Link.Public().(ed25519.PublicKey), "school/algebra-1", time.Now)

	var counts []int

	for _, file := range files {
		records, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}

		counts = append(counts, len(records)-1)

		for _, record := range records[1:] {
			raw, ok := strings.CutPrefix(record[2], "http://localhost:8080/x/school/algebra-1/#")
			if !ok {
				t.Fatalf("URL %s", record[2])
			}

			claims, err := verifier.Verify(token.Join, raw)
			if err != nil || claims.Subject != record[0] {
				t.Fatalf("link of %s: %v", record[0], err)
			}
		}
	}

	if diff := cmp.Diff([]int{1000, 1000, 1}, counts); diff != "" {
		t.Errorf("students per Secret (-want +got):\n%s", diff)
	}

	again, err := manifests.LinksFiles(in, keys)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(files, again); diff != "" {
		t.Errorf("the same roster gave other links:\n%s", diff)
	}
}

func TestReadKeys(t *testing.T) {
	t.Parallel()

	made, err := manifests.NewKeys()
	if err != nil {
		t.Fatal(err)
	}

	good := manifests.KeysSecret(minimal().Exam, made).Data

	cases := map[string]struct {
		change func(map[string][]byte)
		want   string
	}{
		"as made":      {func(map[string][]byte) {}, ""},
		"lost":         {func(d map[string][]byte) { delete(d, "link.key") }, "link.key: private key is not PEM"},
		"garbled":      {func(d map[string][]byte) { d["session.pub"] = []byte("x") }, "session.pub: public key is not PEM"},
		"of the other": {func(d map[string][]byte) { d["link.pub"] = d["session.pub"] }, "link.pub does not belong to link.key"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			data := maps.Clone(good)
			tc.change(data)

			got := ""
			if _, err := manifests.ReadKeys(data); err != nil {
				got = err.Error()
			}

			if got != tc.want {
				t.Errorf("error %q, want %q", got, tc.want)
			}
		})
	}
}

func TestPolicyVersion(t *testing.T) {
	t.Parallel()

	version := func(p examv1alpha1.Policy, thresholds ...examv1alpha1.DetectorThreshold) string {
		out, err := manifests.Policy(p, examv1alpha1.Detector{Thresholds: thresholds})
		if err != nil {
			t.Fatal(err)
		}

		return out.Version
	}

	speaking := func(rule examv1alpha1.ViolationRule) examv1alpha1.Policy {
		rule.Type = examv1alpha1.Speaking

		return examv1alpha1.Policy{Violations: []examv1alpha1.ViolationRule{rule}}
	}

	versions := []string{
		version(examv1alpha1.Policy{}),
		version(examv1alpha1.Policy{Caps: examv1alpha1.Caps{High: ptr.To(int32(50))}}),
		version(speaking(examv1alpha1.ViolationRule{Disabled: ptr.To(true)})),
		version(examv1alpha1.Policy{}, examv1alpha1.DetectorThreshold{Name: "yawEnter", Value: "30"}),
	}

	if unique := slices.Compact(slices.Sorted(slices.Values(versions))); len(unique) != len(versions) {
		t.Errorf("versions %v: different policies share one", versions)
	}

	spelledOut := speaking(examv1alpha1.ViolationRule{Weight: ptr.To(int32(2))})
	if got := version(spelledOut); got != versions[0] {
		t.Errorf("a default that is spelled out gives version %s, want %s", got, versions[0])
	}
}
