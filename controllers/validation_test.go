package controllers_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// TestValidation: what the API server says to a mistake, in its exact words.
func TestValidation(t *testing.T) {
	t.Parallel()

	cluster, namespace := needCluster(t)

	const title = "title: T\n"

	const roster = title + "roster: {students: [{id: ada}]}\n"

	cases := map[string]struct {
		name, spec string
		want       []string
	}{
		"empty roster": {spec: title + "roster: {students: []}", want: []string{
			"spec.roster.students: Invalid value: 0: spec.roster.students in body should have at least 1 items",
		}},
		"no roster": {spec: title, want: []string{"spec.roster: Required value"}},
		"roster of neither form": {spec: title + "roster: {}", want: []string{
			"spec.roster: Invalid value: set exactly one of students and secretRef",
		}},
		"roster of both forms": {spec: title + "roster: {students: [{id: ada}], secretRef: {name: r}}", want: []string{
			"spec.roster: Invalid value: set exactly one of students and secretRef",
		}},
		"two students with one id": {spec: title + "roster: {students: [{id: ada}, {id: bob}, {id: ada}]}", want: []string{
			`spec.roster.students[2]: Duplicate value: {"id":"ada"}`,
		}},
		"bad id": {spec: title + "roster: {students: [{id: 'a b'}]}", want: []string{
			`spec.roster.students[0].id: Invalid value: "a b": spec.roster.students[0].id in body ` +
				`should match '^[A-Za-z0-9][A-Za-z0-9._@-]*$'`,
		}},
		"no title": {spec: "roster: {students: [{id: ada}]}", want: []string{"spec.title: Required value"}},
		"content without scheme": {spec: roster + "contentURL: quiz.example.org", want: []string{
			`spec.contentURL: Invalid value: "quiz.example.org": contentURL must start with https:// or http://`,
		}},
		"end before start": {
			spec: roster + "schedule: {startTime: '2030-01-01T10:00:00Z', endTime: '2030-01-01T09:00:00Z'}",
			want: []string{"spec.schedule: Invalid value: endTime must be after startTime"},
		},
		"duration and end": {spec: roster + "schedule: {duration: 1h, endTime: '2030-01-01T09:00:00Z'}", want: []string{
			"spec.schedule: Invalid value: set either duration or endTime, not both",
		}},
		"negative duration": {spec: roster + "schedule: {duration: -1h}", want: []string{
			`spec.schedule.duration: Invalid value: "-1h": duration must be positive, for example 2h or 1h30m`,
		}},
		"no duration": {spec: roster + "schedule: {duration: 0s}", want: []string{
			`spec.schedule.duration: Invalid value: "0s": duration must be positive, for example 2h or 1h30m`,
		}},
		"too long a grace": {spec: roster + "schedule: {grace: 11m}", want: []string{
			`spec.schedule.grace: Invalid value: "11m": grace must be between 0s and 10m`,
		}},
		"negative warmup": {spec: roster + "schedule: {warmup: -5m}", want: []string{
			`spec.schedule.warmup: Invalid value: "-5m": warmup must not be negative, for example 15m`,
		}},
		"unknown violation type": {spec: roster + "policy: {violations: [{type: Sneezing}]}", want: []string{
			`spec.policy.violations[0].type: Unsupported value: "Sneezing": supported values: "MultipleFaces", "FaceMissing", ` +
				`"CameraBlackout", "GazeDeviation", "HeadTurned", "FocusLost", "Speaking", "LowQuality"`,
		}},
		"levels do not rise": {spec: roster + "policy: {levels: {watch: 40}}", want: []string{
			"spec.policy.levels: Invalid value: levels must rise: watch < suspicious < critical",
		}},
		"reports too often": {spec: roster + "policy: {reportInterval: 100ms}", want: []string{
			`spec.policy.reportInterval: Invalid value: "100ms": reportInterval must be between 500ms and 60s`,
		}},
		"weight over 100": {spec: roster + "policy: {violations: [{type: Speaking, weight: 101}]}", want: []string{
			"spec.policy.violations[0].weight: Invalid value: 101: spec.policy.violations[0].weight in body " +
				"should be less than or equal to 100",
		}},
		"bucket without a bucket": {spec: roster + "evidence: {type: Bucket}", want: []string{
			"spec.evidence: Invalid value: bucket must be set when type is Bucket, and only then",
		}},
		"bucket of another type": {spec: roster + "evidence: {bucket: {url: 's3://evidence'}}", want: []string{
			"spec.evidence: Invalid value: bucket must be set when type is Bucket, and only then",
		}},
		"volume of another type": {spec: roster + "evidence: {type: None, volume: {}}", want: []string{
			"spec.evidence: Invalid value: volume may be set only when type is Volume",
		}},
		"bucket elsewhere": {spec: roster + "evidence: {type: Bucket, bucket: {url: 'gs://evidence'}}", want: []string{
			`spec.evidence.bucket.url: Invalid value: "gs://evidence": url must be s3://BUCKET or s3://BUCKET?PARAMETERS; ` +
				"a folder in it is the parameter prefix",
		}},
		"bucket with a folder": {spec: roster + "evidence: {type: Bucket, bucket: {url: 's3://evidence/maths'}}", want: []string{
			`spec.evidence.bucket.url: Invalid value: "s3://evidence/maths": url must be s3://BUCKET or ` +
				"s3://BUCKET?PARAMETERS; a folder in it is the parameter prefix",
		}},
		"pictures too often": {spec: roster + "evidence: {pictureInterval: 9s}", want: []string{
			`spec.evidence.pictureInterval: Invalid value: "9s": pictureInterval must be 0s or at least 10s`,
		}},
		"negative retention": {spec: roster + "evidence: {retention: -1h}", want: []string{
			`spec.evidence.retention: Invalid value: "-1h": retention must not be negative, for example 720h`,
		}},
		"negative time to live": {spec: roster + "ttlAfterFinished: -1h", want: []string{
			`spec.ttlAfterFinished: Invalid value: "-1h": ttlAfterFinished must not be negative, for example 24h`,
		}},
		"evidence in a bucket": {spec: roster + "evidence: {type: Bucket, bucket: {url: 's3://evidence?region=eu-central-1" +
			"&endpoint=https://s3.example.org:9000&prefix=maths/'}, retention: 0s, pictureInterval: 0s}"},
		"no evidence":          {spec: roster + "evidence: {type: None}"},
		"evidence on a volume": {spec: roster + "evidence: {volume: {size: 10Gi, storageClassName: fast}}"},
		"unknown threshold": {spec: roster + "detector: {thresholds: [{name: juggling, value: '1'}]}", want: []string{
			`spec.detector.thresholds[0].name: Unsupported value: "juggling": supported values: "blackBelow", "yawEnter", ` +
				`"yawLeave", "pitchEnter", "pitchLeave", "gazeEnter", "gazeLeave", "irisOffsetPerDegree", "eyeWidthMin", ` +
				`"eyeOpennessMin", "uncalibratedFactor", "mouthSwing", "mouthWindowMs", "mouthEnterTurns", "mouthLeaveTurns", ` +
				`"mouthMinSamples", "darkEnter", "darkLeave", "brightEnter", "brightLeave", "flatEnter", "flatLeave", ` +
				`"blurEnter", "blurLeave", "sameBelow", "frozenAfterMs"`,
		}},
		"threshold that is no number": {spec: roster + "detector: {thresholds: [{name: yawEnter, value: wide}]}", want: []string{
			`spec.detector.thresholds[0].value: Invalid value: "wide": spec.detector.thresholds[0].value in body ` +
				`should match '^[0-9]{1,6}(\.[0-9]{1,6})?$'`,
			`spec.detector.thresholds: Invalid value: "array": type conversion error from 'string' to 'double' ` +
				"evaluating rule: yawEnter must be at least yawLeave; the defaults are 21 and 16",
			`spec.detector.thresholds[0]: Invalid value: "object": type conversion error from 'string' to 'double' ` +
				"evaluating rule: value must be between 1 and 90 degrees",
		}},
		"thresholds out of range": {
			spec: roster + "detector: {thresholds: [{name: yawEnter, value: '91'}, {name: darkEnter, value: '0.5'}, " +
				"{name: flatLeave, value: '129'}, {name: sameBelow, value: '2'}, {name: eyeWidthMin, value: '7.5'}, " +
				"{name: uncalibratedFactor, value: '0.9'}, {name: frozenAfterMs, value: '99'}]}",
			want: []string{
				"spec.detector.thresholds[0]: Invalid value: value must be between 1 and 90 degrees",
				"spec.detector.thresholds[1]: Invalid value: value must be a luma between 1 and 255",
				"spec.detector.thresholds[2]: Invalid value: value must be a contrast between 0.1 and 128",
				"spec.detector.thresholds[3]: Invalid value: value must be between 0.0001 and 1",
				"spec.detector.thresholds[4]: Invalid value: value must be a whole number between 1 and 200",
				"spec.detector.thresholds[5]: Invalid value: value must be between 1 and 10",
				"spec.detector.thresholds[6]: Invalid value: value must be whole milliseconds between 100 and 600000",
			},
		},
		"a way out that is narrower than the way in": {
			spec: roster + "detector: {thresholds: [{name: yawEnter, value: '15'}, {name: gazeLeave, value: '22.5'}, " +
				"{name: pitchEnter, value: '20'}, {name: pitchLeave, value: '20.001'}, {name: mouthLeaveTurns, value: '4'}, " +
				"{name: brightEnter, value: '214'}, {name: darkEnter, value: '49'}, {name: flatEnter, value: '13.1'}, " +
				"{name: blurLeave, value: '0.0199'}]}",
			want: []string{
				"spec.detector.thresholds: Invalid value: yawEnter must be at least yawLeave; the defaults are 21 and 16",
				"spec.detector.thresholds: Invalid value: pitchEnter must be at least pitchLeave; the defaults are 35 and 28",
				"spec.detector.thresholds: Invalid value: gazeEnter must be at least gazeLeave; the defaults are 22 and 16",
				"spec.detector.thresholds: Invalid value: mouthEnterTurns must be at least mouthLeaveTurns; " +
					"the defaults are 3 and 2",
				"spec.detector.thresholds: Invalid value: brightEnter must be at least brightLeave; the defaults are 225 and 215",
				"spec.detector.thresholds: Invalid value: darkLeave must be at least darkEnter; the defaults are 48 and 40",
				"spec.detector.thresholds: Invalid value: flatLeave must be at least flatEnter; the defaults are 13 and 10",
				"spec.detector.thresholds: Invalid value: blurLeave must be at least blurEnter; the defaults are 0.03 and 0.02",
			},
		},
		"face model without a checksum": {spec: roster + "detector: {faceModel: {configMapPrefix: face-model}}", want: []string{
			"spec.detector.faceModel.sha256: Required value",
		}},
		"face model with half a checksum": {
			spec: roster + "detector: {faceModel: {configMapPrefix: face-model, sha256: abc}}", want: []string{
				`spec.detector.faceModel.sha256: Invalid value: "abc": spec.detector.faceModel.sha256 in body ` +
					"should be at least 64 chars long",
			},
		},
		"detector in full": {spec: roster +
			"detector: {thresholds: [{name: yawEnter, value: '30'}, {name: blurEnter, value: '0.01'}], " +
			"faceModel: {configMapPrefix: face-model, sha256: " + strings.Repeat("0a", 32) + "}}"},
		"TURN without a secret": {spec: roster + "media: {iceServers: [{urls: ['turn:turn.example.org:3478']}]}", want: []string{
			"spec.media.iceServers[0]: Invalid value: secretRef must be set for turn: and turns: URLs, and only for these",
		}},
		"STUN with a secret": {
			spec: roster + "media: {iceServers: [{urls: ['stun:turn.example.org'], secretRef: {name: turn}}]}",
			want: []string{
				"spec.media.iceServers[0]: Invalid value: secretRef must be set for turn: and turns: URLs, and only for these",
			},
		},
		"STUN and TURN in one": {
			spec: roster + "media: {iceServers: [{urls: ['stun:a.example', 'turn:a.example'], secretRef: {name: turn}}]}",
			want: []string{"spec.media.iceServers[0]: Invalid value: urls must be all of TURN or all of STUN"},
		},
		"ICE server that is none": {
			spec: roster + "media: {iceServers: [{urls: ['https://turn.example.org']}]}", want: []string{
				"spec.media.iceServers[0]: Invalid value: urls must be all of TURN or all of STUN",
				"spec.media.iceServers[0].urls: Invalid value: each URL must be stun:HOST:PORT, stuns:HOST:PORT, " +
					"turn:HOST:PORT or turns:HOST:PORT; the last two may end in ?transport=udp or ?transport=tcp",
			},
		},
		"ICE servers": {spec: roster + "media: {iceServers: [{urls: ['stun:[2001:db8::1]:3478', 'stuns:stun.example.org']}, " +
			"{urls: ['turn:192.0.2.1:3478?transport=udp', 'turns:turn.example.org:443?transport=tcp'], " +
			"secretRef: {name: turn}}]}"},
		"name too long for pods": {name: strings.Repeat("a", 41), spec: roster, want: []string{
			"<nil>: Invalid value: metadata.name must be at most 40 lower-case letters, digits and -, beginning with a letter: " +
				"pods and services are named after it",
		}},
		"everything good": {spec: roster},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			exam := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{}}}
			if err := yaml.Unmarshal([]byte(tc.spec), &exam.Object); err != nil {
				t.Fatal(err)
			}

			exam = &unstructured.Unstructured{Object: map[string]any{"spec": exam.Object}}
			delete(exam.Object["spec"].(map[string]any), "spec")
			exam.SetGroupVersionKind(examv1alpha1.GroupVersion.WithKind("Exam"))
			exam.SetNamespace(namespace)
			exam.SetName("e")

			if tc.name != "" {
				exam.SetName(tc.name)
			}

			err := cluster.client.Create(t.Context(), exam, client.DryRunAll)

			var got []string
			if err != nil {
				got = messages(t, err)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

// messages are the single findings in an API server's answer.
func messages(t *testing.T, err error) []string {
	t.Helper()

	refusal := (*apierrors.StatusError)(nil)
	if !errors.As(err, &refusal) || refusal.ErrStatus.Details == nil {
		t.Fatalf("no refusal: %v", err)
	}

	var found []string

	for _, cause := range refusal.ErrStatus.Details.Causes {
		// Beside a schema's finding, rules have nothing to say.
		if !strings.Contains(cause.Message, "some validation rules were not checked") {
			found = append(found, cause.Field+": "+cause.Message)
		}
	}

	return found
}

// TestImmutable: a volume is made once, so what describes it cannot change.
func TestImmutable(t *testing.T) {
	t.Parallel()

	cluster, namespace := needCluster(t)
	exam := makeExam(namespace, "e").students(1).schedule(time.Now().Add(24*time.Hour), time.Hour).obj()
	cluster.create(t, exam)

	cases := map[string]struct {
		change func(*examv1alpha1.Redis)
		want   []string
	}{
		"storage": {
			func(r *examv1alpha1.Redis) { r.Storage = ptr.To(resource.MustParse("2Gi")) },
			[]string{`spec.redis.storage: Invalid value: "2Gi": storage cannot be changed: the volume is made once`},
		},
		"class": {
			func(r *examv1alpha1.Redis) { r.StorageClassName = ptr.To("fast") },
			[]string{"spec.redis: Invalid value: storageClassName cannot be changed: the volume is made once"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			changed := exam.DeepCopy()
			tc.change(&changed.Spec.Redis)

			err := cluster.client.Patch(t.Context(), changed, client.MergeFrom(exam), client.DryRunAll)
			if diff := cmp.Diff(tc.want, messages(t, err)); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEvidenceStays: where a record began it stays, and its volume only grows.
func TestEvidenceStays(t *testing.T) {
	t.Parallel()

	cluster, namespace := needCluster(t)

	exam := func(name string, evidence examv1alpha1.Evidence) *examv1alpha1.Exam {
		exam := makeExam(namespace, name).students(1).schedule(time.Now().Add(24*time.Hour), time.Hour).obj()
		exam.Spec.Evidence = evidence
		cluster.create(t, exam)

		return exam
	}
	byDefault := exam("by-default", examv1alpha1.Evidence{})
	sized := exam("sized", examv1alpha1.Evidence{Volume: &examv1alpha1.EvidenceVolume{
		Size: ptr.To(resource.MustParse("2Gi")), StorageClassName: ptr.To("fast"),
	}})
	bucket := exam("bucket", examv1alpha1.Evidence{
		Type: examv1alpha1.EvidenceInBucket, Bucket: &examv1alpha1.EvidenceBucket{URL: "s3://evidence"},
	})
	size := func(s string) *examv1alpha1.EvidenceVolume {
		return &examv1alpha1.EvidenceVolume{Size: ptr.To(resource.MustParse(s))}
	}

	const shrinks = "spec.evidence: Invalid value: volume.size can only grow"

	const otherClass = "spec.evidence: Invalid value: volume.storageClassName cannot be changed: the volume is made once"

	cases := map[string]struct {
		exam   *examv1alpha1.Exam
		change func(*examv1alpha1.Evidence)
		want   []string
	}{
		"type": {
			byDefault, func(e *examv1alpha1.Evidence) { e.Type = examv1alpha1.NoEvidence },
			[]string{"spec.evidence: Invalid value: type cannot be changed: a record stays where it began"},
		},
		"smaller than the default": {
			byDefault, func(e *examv1alpha1.Evidence) { e.Volume = size("4Gi") }, []string{shrinks},
		},
		"larger than the default": {byDefault, func(e *examv1alpha1.Evidence) { e.Volume = size("6Gi") }, nil},
		"larger":                  {sized, func(e *examv1alpha1.Evidence) { e.Volume.Size = size("2100Mi").Size }, nil},
		"smaller": {
			sized, func(e *examv1alpha1.Evidence) { e.Volume.Size = size("2000Mi").Size }, []string{shrinks},
		},
		"class": {
			sized, func(e *examv1alpha1.Evidence) { e.Volume.StorageClassName = ptr.To("slow") }, []string{otherClass},
		},
		"no class any more": {sized, func(e *examv1alpha1.Evidence) { e.Volume = size("3Gi") }, []string{otherClass}},
		"another bucket": {
			bucket, func(e *examv1alpha1.Evidence) { e.Bucket.URL = "s3://elsewhere" }, []string{
				`spec.evidence.bucket.url: Invalid value: "s3://elsewhere": url cannot be changed: a record stays where it began`,
			},
		},
		"other credentials": {
			bucket, func(e *examv1alpha1.Evidence) { e.Bucket.SecretRef = &examv1alpha1.EvidenceSecretRef{Name: "new"} }, nil,
		},
		"how long": {
			bucket, func(e *examv1alpha1.Evidence) { e.Retention = &metav1.Duration{Duration: time.Hour} }, nil,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			changed := tc.exam.DeepCopy()
			tc.change(&changed.Spec.Evidence)

			var got []string
			if err := cluster.client.Patch(t.Context(), changed, client.MergeFrom(tc.exam), client.DryRunAll); err != nil {
				got = messages(t, err)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()

	cluster, namespace := needCluster(t)
	exam := makeExam(namespace, "e").students(1).obj()
	exam.Spec.Schedule = &examv1alpha1.Schedule{}

	if err := cluster.client.Create(t.Context(), exam, client.DryRunAll); err != nil {
		t.Fatal(err)
	}

	got, err := yaml.Marshal(exam.Spec)
	if err != nil {
		t.Fatal(err)
	}

	const want = `contentPlacement: Frame
evidence:
  pictureInterval: 10m0s
  retention: 720h0m0s
  type: Volume
media:
  spares: 1
  studentsPerPod: 100
policy:
  caps:
    critical: 100
    high: 60
    low: 10
    medium: 30
  levels:
    critical: 60
    suspicious: 30
    watch: 10
  reportInterval: 2.5s
redis:
  storage: 1Gi
roster:
  students:
  - id: s0
    name: Student 0
schedule:
  grace: 30s
  warmup: 15m0s
title: Algebra I
ttlAfterFinished: 24h0m0s
`

	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

// TestSamples: what people copy is accepted as it stands.
func TestSamples(t *testing.T) {
	t.Parallel()

	cluster, namespace := needCluster(t)

	files, err := filepath.Glob("../config/samples/exam_*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("samples: %v, %v", files, err)
	}

	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		for document := range strings.SplitSeq(string(data), "\n---\n") {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
				t.Fatalf("%s: %v", file, err)
			}

			object.SetNamespace(namespace)

			if err := cluster.client.Create(t.Context(), object, client.DryRunAll, client.FieldValidation("Strict")); err != nil {
				t.Errorf("%s: %s %s: %v", file, object.GetKind(), object.GetName(), err)
			}
		}
	}
}
