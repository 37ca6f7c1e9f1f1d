package controllers_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/internal/token"
	"github.com/invigil/invigil/internal/wire"
)

// examBuilder makes Exams for tests.
type examBuilder struct{ exam *examv1alpha1.Exam }

func makeExam(namespace, name string) examBuilder {
	return examBuilder{&examv1alpha1.Exam{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       examv1alpha1.ExamSpec{Title: "Algebra I"},
	}}
}

func student(i int) examv1alpha1.Student {
	return examv1alpha1.Student{ID: fmt.Sprintf("s%d", i), Name: fmt.Sprintf("Student %d", i)}
}

func (b examBuilder) students(n int) examBuilder {
	b.exam.Spec.Roster.Students = nil
	for i := range n {
		b.exam.Spec.Roster.Students = append(b.exam.Spec.Roster.Students, student(i))
	}

	return b
}

func (b examBuilder) rosterSecret(name string) examBuilder {
	b.exam.Spec.Roster.SecretRef = &examv1alpha1.RosterSecretRef{Name: name}

	return b
}

func (b examBuilder) perPod(n int32) examBuilder {
	b.exam.Spec.Media.StudentsPerPod = n

	return b
}

func (b examBuilder) spares(n int32) examBuilder {
	b.exam.Spec.Media.Spares = ptr.To(n)

	return b
}

func (b examBuilder) schedule(start time.Time, duration time.Duration) examBuilder {
	b.exam.Spec.Schedule = &examv1alpha1.Schedule{
		StartTime: &metav1.Time{Time: start}, Duration: &metav1.Duration{Duration: duration},
	}

	return b
}

func (b examBuilder) obj() *examv1alpha1.Exam { return b.exam }

// podBuilder plays kubelet and controllers, which envtest has none of.
type podBuilder struct{ pod *corev1.Pod }

func makePod(namespace, name string, template corev1.PodTemplateSpec) podBuilder {
	pod := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
	pod.Namespace, pod.Name = namespace, name

	return podBuilder{pod}
}

func (b podBuilder) onNode(name string) podBuilder {
	b.pod.Spec.NodeName = name

	return b
}

func (b podBuilder) create(t *testing.T, c client.Client) podBuilder {
	t.Helper()

	if err := c.Create(t.Context(), b.pod); err != nil {
		t.Fatal(err)
	}

	return b
}

func (b podBuilder) ready(t *testing.T, c client.Client, ready bool) podBuilder {
	t.Helper()

	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}

	base := b.pod.DeepCopy()
	b.pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}

	if err := c.Status().Patch(t.Context(), b.pod, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}

	return b
}

// makeNode creates a node of the test's own.
func (s *suite) makeNode(t *testing.T, addresses ...corev1.NodeAddress) string {
	t.Helper()

	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{GenerateName: "node-"}}
	if err := s.client.Create(t.Context(), node); err != nil {
		t.Fatal(err)
	}

	base := node.DeepCopy()
	node.Status.Addresses = addresses

	if err := s.client.Status().Patch(t.Context(), node, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}

	return node.Name
}

// runPods makes every pod that an exam's StatefulSets ask for and do not have,
// ready and on node.
func (s *suite) runPods(t *testing.T, exam *examv1alpha1.Exam, node string) map[string]podBuilder {
	t.Helper()

	pods := map[string]podBuilder{}

	for _, name := range []string{manifests.RedisName(exam.Name), manifests.SFUName(exam.Name)} {
		set := &appsv1.StatefulSet{}
		eventually(t, "StatefulSet "+name, func() error {
			return s.client.Get(t.Context(), types.NamespacedName{Namespace: exam.Namespace, Name: name}, set)
		})

		for ordinal := range ptr.Deref(set.Spec.Replicas, 1) {
			podName := name + "-" + strconv.Itoa(int(ordinal))
			if s.client.Get(t.Context(), types.NamespacedName{Namespace: exam.Namespace, Name: podName}, &corev1.Pod{}) == nil {
				continue
			}

			template := set.Spec.Template
			for _, claim := range set.Spec.VolumeClaimTemplates {
				template.Spec.Volumes = append(template.Spec.Volumes, corev1.Volume{
					Name: claim.Name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
				})
			}

			pods[podName] = makePod(exam.Namespace, podName, template).onNode(node).create(t, s.client).ready(t, s.client, true)
		}
	}

	return pods
}

// fakeScoring answers for every exam's scoring service that a test has started.
type fakeScoring struct {
	mu    sync.Mutex
	exams map[string]*scoringService
}

// scoringService is one exam's fake scoring service.
type scoringService struct {
	verifier *token.Verifier

	mu       sync.Mutex
	changed  chan struct{}
	cursor   int
	store    bool
	sessions map[string]wire.Session
	since    map[string]int
	shards   []wire.ShardHealth
	evidence *wire.EvidenceStatus
	refused  int
}

// start serves the exam's sessions; the exam's keys must exist.
func (f *fakeScoring) start(t *testing.T, s *suite, exam *examv1alpha1.Exam) *scoringService {
	t.Helper()

	secret := &corev1.Secret{}
	name := types.NamespacedName{Namespace: exam.Namespace, Name: manifests.KeysName(exam.Name)}

	eventually(t, "keys", func() error { return s.client.Get(t.Context(), name, secret) })

	keys, err := manifests.ReadKeys(secret.Data)
	if err != nil {
		t.Fatal(err)
	}

	service := &scoringService{
		verifier: token.NewVerifier(keys.Session.Public().(ed25519.PublicKey), exam.Namespace+"/"+exam.Name, time.Now),
		changed:  make(chan struct{}), store: true, cursor: 1,
		sessions: map[string]wire.Session{}, since: map[string]int{}, evidence: &wire.EvidenceStatus{},
	}
	f.put(exam, service)

	return service
}

func (f *fakeScoring) put(exam *examv1alpha1.Exam, service *scoringService) {
	f.mu.Lock()
	defer f.mu.Unlock()

	if f.exams == nil {
		f.exams = map[string]*scoringService{}
	}

	f.exams[fmt.Sprintf("%s-scoring.%s.svc:8081", exam.Name, exam.Namespace)] = service
}

// stop makes the exam's scoring service unreachable.
func (f *fakeScoring) stop(exam *examv1alpha1.Exam) { f.put(exam, nil) }

// RoundTrip implements http.RoundTripper.
func (f *fakeScoring) RoundTrip(request *http.Request) (*http.Response, error) {
	f.mu.Lock()
	service := f.exams[request.URL.Host]
	f.mu.Unlock()

	if service == nil {
		return nil, fmt.Errorf("connect to %s: connection refused", request.URL.Host)
	}

	answer := httptest.NewRecorder()
	service.serve(answer, request)

	return answer.Result(), nil
}

func (s *scoringService) serve(w http.ResponseWriter, r *http.Request) {
	bearer := r.Header.Get("Authorization")
	claims, err := s.verifier.Verify(token.Internal, bearer[len("Bearer "):])

	if err != nil || claims.Subject != "operator" || r.URL.Path != "/internal/v1/sessions" {
		s.mu.Lock()
		s.refused++
		s.mu.Unlock()
		http.Error(w, `{"code":"Unauthenticated","message":"no"}`, http.StatusUnauthorized)

		return
	}

	since, _ := strconv.Atoi(r.URL.Query().Get("since"))
	// Long enough to be a long poll, short enough for a service that stops.
	timer := time.NewTimer(time.Second)
	defer timer.Stop()

	for {
		answer, wait := s.answer(since)
		if wait == nil {
			_ = json.NewEncoder(w).Encode(answer)

			return
		}

		select {
		case <-wait:
		case <-timer.C:
			_ = json.NewEncoder(w).Encode(answer)

			return
		case <-r.Context().Done():
			return
		}
	}
}

func (s *scoringService) answer(since int) (wire.Sessions, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()

	out := wire.Sessions{
		Cursor: strconv.Itoa(s.cursor), Full: since == 0, StoreAvailable: s.store, Shards: s.shards, Evidence: s.evidence,
	}

	for id, session := range s.sessions {
		if s.since[id] > since {
			out.Sessions = append(out.Sessions, session)
		}
	}

	if since == s.cursor {
		return out, s.changed
	}

	return out, nil
}

// change runs do on the service and tells whoever waits.
func (s *scoringService) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()

	do()
	s.cursor++
	close(s.changed)
	s.changed = make(chan struct{})
}

// session sets one student's session.
func (s *scoringService) session(session wire.Session) {
	s.change(func() {
		s.sessions[session.Student] = session
		s.since[session.Student] = s.cursor + 1
	})
}
