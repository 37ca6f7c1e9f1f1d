package app

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

// The resources that the plugin reads, as RBAC names them.
const (
	examsResource    = "exams.exam.invigil.dev"
	sessionsResource = "examsessions.exam.invigil.dev"
	secretsResource  = "secrets"
	podsResource     = "pods"
)

// cluster reads what the subcommands show. Its errors are for people: they say
// what is missing, the object or the right to read it.
type cluster struct {
	client client.Reader
}

// exams lists the exams of a namespace, or of all for "", by name.
func (c cluster) exams(ctx context.Context, namespace string) (*examv1alpha1.ExamList, error) {
	list := &examv1alpha1.ExamList{}
	if err := c.client.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, explain(err, "list", examsResource, namespace)
	}

	list.SetGroupVersionKind(examv1alpha1.GroupVersion.WithKind("ExamList"))

	for i := range list.Items {
		list.Items[i].SetGroupVersionKind(examv1alpha1.GroupVersion.WithKind("Exam"))
	}

	slices.SortFunc(list.Items, func(a, b examv1alpha1.Exam) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})

	return list, nil
}

func (c cluster) exam(ctx context.Context, key types.NamespacedName) (*examv1alpha1.Exam, error) {
	exam := &examv1alpha1.Exam{}

	err := c.client.Get(ctx, key, exam)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("exam %q not found in namespace %q", key.Name, key.Namespace)
	} else if err != nil {
		return nil, explain(err, "get", examsResource, key.Namespace)
	}

	exam.SetGroupVersionKind(examv1alpha1.GroupVersion.WithKind("Exam"))

	return exam, nil
}

// sessions lists an exam's sessions, those to look at first in front: by score,
// then the interrupted, then by student.
func (c cluster) sessions(ctx context.Context, exam types.NamespacedName) ([]examv1alpha1.ExamSession, error) {
	list := &examv1alpha1.ExamSessionList{}

	err := c.client.List(ctx, list, client.InNamespace(exam.Namespace), client.MatchingLabels{examv1alpha1.LabelExam: exam.Name})
	if err != nil {
		return nil, explain(err, "list", sessionsResource, exam.Namespace)
	}

	slices.SortFunc(list.Items, worstFirst)

	return list.Items, nil
}

// worstFirst orders sessions: those to look at first in front.
func worstFirst(a, b examv1alpha1.ExamSession) int {
	return cmp.Or(
		cmp.Compare(b.Status.Score, a.Status.Score),
		cmp.Compare(urgency(a.Status.State), urgency(b.Status.State)),
		cmp.Compare(a.Spec.Student.ID, b.Spec.Student.ID),
	)
}

// urgency orders sessions of the same score.
func urgency(state examv1alpha1.SessionState) int {
	switch state {
	case examv1alpha1.SessionInterrupted:
		return 0
	case examv1alpha1.SessionJoined, examv1alpha1.SessionPaused:
		return 1
	case examv1alpha1.SessionLive:
		return 2
	case examv1alpha1.SessionEnrolled:
		return 3
	case examv1alpha1.SessionFinished, examv1alpha1.SessionTerminated:
		return 4
	default:
		return 5
	}
}

// link is one student's way into an exam.
type link struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	URL  string `json:"url"`
}

// links joins the chunks of an exam's links, in the order of the roster. None is
// no error: the operator may not have made them yet.
func (c cluster) links(ctx context.Context, exam types.NamespacedName) ([]link, error) {
	var all []link

	// Chunks are read by name, one after the other: that needs no right to list
	// secrets, which is the right to read them all.
	for chunk := 0; ; chunk++ {
		name := exam.Name + "-links-" + strconv.Itoa(chunk)
		secret := &corev1.Secret{}

		err := c.client.Get(ctx, types.NamespacedName{Namespace: exam.Namespace, Name: name}, secret)
		if apierrors.IsNotFound(err) {
			// The first chunk may be 0 or 1.
			if chunk == 0 {
				continue
			}

			return all, nil
		} else if err != nil {
			return nil, explain(err, "get", secretsResource, exam.Namespace)
		}

		links, err := parseLinks(string(secret.Data["links.csv"]))
		if err != nil {
			return nil, fmt.Errorf("secret %s: links.csv: %w", name, err)
		}

		all = append(all, links...)
	}
}

// parseLinks reads a chunk: CSV with a header that names id, name and url.
func parseLinks(text string) ([]link, error) {
	reader := csv.NewReader(strings.NewReader(text))

	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}

	id, name, url := slices.Index(header, "id"), slices.Index(header, "name"), slices.Index(header, "url")
	if id < 0 || name < 0 || url < 0 {
		return nil, fmt.Errorf("header is %q, want the columns id, name and url", strings.Join(header, ","))
	}

	var links []link

	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return links, nil
		} else if err != nil {
			return nil, fmt.Errorf("read line: %w", err)
		}

		links = append(links, link{ID: record[id], Name: record[name], URL: record[url]})
	}
}

// student is the link of one student.
func (c cluster) student(ctx context.Context, exam types.NamespacedName, id string) (link, error) {
	links, err := c.links(ctx, exam)
	if err != nil {
		return link{}, err
	}

	if len(links) == 0 {
		return link{}, noLinks(exam)
	}

	index := slices.IndexFunc(links, func(l link) bool { return l.ID == id })
	if index < 0 {
		return link{}, fmt.Errorf("no student %q is enrolled in exam %q", id, exam.Name)
	}

	return links[index], nil
}

func noLinks(exam types.NamespacedName) error {
	return fmt.Errorf("exam %q has no links yet; kubectl exam status %s -n %s says why", exam.Name, exam.Name, exam.Namespace)
}

// scoringPods lists the exam's scoring pods that answer, the newest first.
func (c cluster) scoringPods(ctx context.Context, exam types.NamespacedName) ([]corev1.Pod, error) {
	list := &corev1.PodList{}

	err := c.client.List(ctx, list, client.InNamespace(exam.Namespace), client.MatchingLabels{
		examv1alpha1.LabelExam:        exam.Name,
		"app.kubernetes.io/component": "scoring",
	})
	if err != nil {
		return nil, explain(err, "list", podsResource, exam.Namespace)
	}

	ready := slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return !isReady(&pod) })
	slices.SortFunc(ready, func(a, b corev1.Pod) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})

	return ready, nil
}

func isReady(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp.IsZero() && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// explain turns an answer of the API server into what a person can act on.
func explain(err error, verb, resource, namespace string) error {
	where := fmt.Sprintf("in namespace %q", namespace)
	if namespace == "" {
		where = "in all namespaces"
	}

	switch {
	case apierrors.IsForbidden(err):
		return fmt.Errorf("not allowed: your role lacks the verb %q on %q %s", verb, resource, where)
	case meta.IsNoMatchError(err):
		return fmt.Errorf("this cluster has no %s: is Invigil installed in it?", resource)
	default:
		return fmt.Errorf("%s %s %s: %w", verb, resource, where, err)
	}
}
