package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
)

const (
	// internalPort is where the scoring pod says how it does.
	internalPort = 8081
	// readyTimeout bounds how long it may take to say so.
	readyTimeout = 10 * time.Second
)

func (d *doctor) checkOperator() {
	conditions := d.exam.Status.Conditions
	ready := meta.FindStatusCondition(conditions, examv1alpha1.ConditionReady)
	stalled := meta.FindStatusCondition(conditions, examv1alpha1.ConditionStalled)

	switch {
	case ready == nil:
		d.add("operator", resultFail, "the operator has not seen this Exam",
			"See whether it runs: kubectl get pods -n invigil-system.")
	case stalled != nil && stalled.Status == metav1.ConditionTrue:
		d.add("operator", resultFail, stalled.Reason+": "+stalled.Message,
			"Change what the message names; the operator goes on by itself.")
	case ready.ObservedGeneration < d.exam.Generation:
		d.add("operator", resultWarn, "the operator has not acted on the latest change yet",
			"If that stays, see whether it runs: kubectl get pods -n invigil-system.")
	default:
		d.add("operator", resultOK, "has acted on the latest change", "")
	}
}

func (d *doctor) checkTime() {
	page := examPage{exam: d.exam, now: d.Clock.Now(), location: d.Location}
	end := d.exam.Status.EndTime

	switch {
	case !d.exam.DeletionTimestamp.IsZero():
		d.add("time", resultFail, "the Exam is being deleted", "")
	case !end.IsZero() && !d.Clock.Now().Before(end.Time):
		d.add("time", resultFail, page.times(), "Students are refused with ExamFinished. A later end is set in spec.schedule.")
	case statusOf(d.exam) == examv1alpha1.ReasonScheduled:
		d.add("time", resultWarn, page.times(),
			"Students are refused with ExamNotOpen until spec.schedule.warmup before the start.")
	default:
		d.add("time", resultOK, page.times(), "")
	}
}

func (d *doctor) checkRoster() {
	enrolled := d.exam.Status.Students.Enrolled
	if enrolled == 0 {
		d.add("roster", resultFail, "nobody is enrolled", "Whoever is not on spec.roster is refused with NotEnrolled.")

		return
	}

	d.add("roster", resultOK, plural(int(enrolled), "student"), "")
}

// checkConditions tells of all conditions that are not as they should be. Those of
// what the other checks look at are told as well, in the operator's words.
func (d *doctor) checkConditions() {
	page := examPage{exam: d.exam}
	bad := false

	for i := range d.exam.Status.Conditions {
		c := &d.exam.Status.Conditions[i]
		if !page.isProblem(c) || c.Type == examv1alpha1.ConditionStalled {
			continue
		}

		bad = true
		found, do := resultWarn, "The exam goes on without; kubectl get events tells more."

		switch c.Type {
		case examv1alpha1.ConditionScoringAvailable, examv1alpha1.ConditionMediaAvailable:
			found, do = resultFail, "The checks of pods and door tell more."
		case examv1alpha1.ConditionStoreAvailable:
			do = "Students can join and scores go on from memory; what scoring loses with its pod is lost."
		case examv1alpha1.ConditionReconciling:
			do = "Wait, and see again."
		}

		d.add("conditions", found, fmt.Sprintf("%s is %s (%s): %s", c.Type, c.Status, c.Reason, c.Message), do)
	}

	if !bad {
		d.add("conditions", resultOK, cmp.Or(statusOf(d.exam), none)+", none is as it should not be", "")
	}
}

// podKinds are the exam's pods by component: students cannot do without a ready
// one where that is so.
var podKinds = []struct {
	component string
	needed    bool
}{{"scoring", true}, {"sfu", true}, {"redis", false}}

func (d *doctor) checkPods(ctx context.Context) {
	pods := &corev1.PodList{}

	err := d.client.List(ctx, pods,
		client.InNamespace(d.key.Namespace), client.MatchingLabels{examv1alpha1.LabelExam: d.key.Name})
	if err != nil {
		d.add("pods", resultWarn, "cannot be checked: "+explain(err, "list", podsResource, d.key.Namespace).Error(), "")

		return
	}

	if d.away() && len(pods.Items) == 0 {
		d.add("pods", resultOK, "none, which is right for an exam that is "+statusOf(d.exam), "")

		return
	}

	for _, kind := range podKinds {
		all, ready := 0, 0
		reasons := []string{}

		for i := range pods.Items {
			pod := &pods.Items[i]
			if pod.Labels["app.kubernetes.io/component"] != kind.component {
				continue
			}

			if all++; isReady(pod) {
				ready++
			} else {
				reasons = append(reasons, pod.Name+": "+d.whyNotReady(ctx, pod))
			}
		}

		d.addPods(kind.component, kind.needed, all, ready, reasons)
	}
}

func (d *doctor) addPods(component string, needed bool, all, ready int, reasons []string) {
	name, detail := component+" pods", fmt.Sprintf("%d of %d ready", ready, all)
	if len(reasons) > 0 {
		detail += "; " + strings.Join(reasons, "; ")
	}

	switch {
	case all > 0 && ready == all:
		d.add(name, resultOK, detail, "")
	case needed && ready == 0:
		d.add(name, resultFail, detail, "kubectl describe pod tells all of it.")
	default:
		d.add(name, resultWarn, detail, "")
	}
}

// whyNotReady is the most telling thing that is known of a pod.
func (d *doctor) whyNotReady(ctx context.Context, pod *corev1.Pod) string {
	if !pod.DeletionTimestamp.IsZero() {
		return "is being deleted"
	}

	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return "is not scheduled: " + cmp.Or(c.Message, c.Reason)
		}
	}

	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		switch waiting, ended := c.State.Waiting, c.LastTerminationState.Terminated; {
		case waiting != nil && ended != nil:
			return fmt.Sprintf("%s (%s, exit code %d)", waiting.Reason, ended.Reason, ended.ExitCode)
		case waiting != nil && waiting.Message != "":
			return waiting.Reason + ": " + waiting.Message
		}
	}

	if event := d.lastWarning(ctx, pod); event != "" {
		return event
	}

	return "is " + cmp.Or(strings.ToLower(string(pod.Status.Phase)), "not started") + ", and not ready"
}

// lastWarning is what the cluster has complained of last; "" if nothing is known.
func (d *doctor) lastWarning(ctx context.Context, pod *corev1.Pod) string {
	events := &corev1.EventList{}

	// A reader of pods need not be one of events.
	err := d.client.List(ctx, events, client.InNamespace(pod.Namespace), client.MatchingFields{"involvedObject.name": pod.Name})
	if err != nil {
		return ""
	}

	var last *corev1.Event

	for i := range events.Items {
		event := &events.Items[i]
		if event.Type == corev1.EventTypeWarning && (last == nil || last.LastTimestamp.Before(&event.LastTimestamp)) {
			last = event
		}
	}

	if last == nil {
		return ""
	}

	return last.Reason + ": " + last.Message
}

// checkDoor asks the scoring pod itself, whatever its probes have said last.
func (d *doctor) checkDoor(ctx context.Context) {
	if d.away() {
		d.add("door", resultOK, "not open, which is right for an exam that is "+statusOf(d.exam), "")

		return
	}

	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()

	var said string

	err := reach(ctx, d.cluster, d.forwarder, d.key, internalPort, func(ctx context.Context, origin *url.URL) error {
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()

		request, err := http.NewRequestWithContext(ctx, http.MethodGet, origin.JoinPath("readyz").String(), http.NoBody)
		if err != nil {
			return err
		}

		response, err := (&http.Client{Transport: transport}).Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()

		if response.StatusCode != http.StatusOK {
			body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
			said = fmt.Sprintf("/readyz answers %s: %s", response.Status, strings.TrimSpace(string(body)))
		}

		return nil
	})

	do := "See its log: kubectl logs -n " + d.key.Namespace + " deployment/" + d.key.Name + "-scoring."

	switch noPod := (*noPodError)(nil); {
	case errors.As(err, &noPod):
		d.add("door", resultFail, "there is no ready scoring pod", "The check of the scoring pods says why.")
	case err != nil && strings.HasPrefix(err.Error(), "not allowed"):
		d.add("door", resultWarn, "cannot be checked: "+err.Error(), "")
	case err != nil:
		d.add("door", resultFail, err.Error(), do)
	case said != "":
		d.add("door", resultFail, said, do)
	default:
		d.add("door", resultOK, "the scoring pod says that it is ready", "")
	}
}

func (d *doctor) checkAddresses() {
	if d.away() {
		d.add("addresses", resultOK, "none, which is right for an exam that is "+statusOf(d.exam), "")

		return
	}

	var with, without []string

	for _, s := range d.exam.Status.Shards {
		if s.Address == "" {
			without = append(without, s.Name)
		} else {
			with = append(with, s.Address)
		}
	}

	const do = "An SFU pod has the address of its node and a node port: see its Service, and whether its node has an address."

	switch {
	case len(with) == 0:
		d.add("addresses", resultFail, "no SFU pod announces where cameras are sent to", do)
	case len(without) > 0:
		d.add("addresses", resultWarn, strings.Join(without, ", ")+" announces no address", do)
	default:
		d.add("addresses", resultOK, strings.Join(with, ", ")+"; students' networks must reach these by UDP or TCP", "")
	}
}

func (d *doctor) checkLinks(ctx context.Context) {
	enrolled := int(d.exam.Status.Students.Enrolled)

	switch links, err := d.cluster.links(ctx, d.key); {
	case err != nil:
		d.add("links", resultWarn, "cannot be checked: "+err.Error(), "")
	case len(links) == 0 && !d.away():
		d.add("links", resultFail, "there are none",
			"The operator makes the Secrets "+d.key.Name+"-links-N; its log says why not.")
	case len(links) != enrolled:
		d.add("links", resultWarn, fmt.Sprintf("%d, for %d on the roster", len(links), enrolled), "Wait, and see again.")
	default:
		d.add("links", resultOK, fmt.Sprintf("%d, one for each on the roster", len(links)), "")
	}
}

func (d *doctor) checkInvigilators(ctx context.Context) {
	account := &corev1.ServiceAccount{}

	name := d.key.Name + "-invigilator"

	switch err := d.client.Get(ctx, client.ObjectKey{Namespace: d.key.Namespace, Name: name}, account); {
	case apierrors.IsNotFound(err):
		d.add("invigilators", resultWarn, "there is no ServiceAccount "+name+": nobody can watch",
			"The operator makes it; its log says why not.")
	case err != nil:
		d.add("invigilators", resultWarn,
			"cannot be checked: "+explain(err, "get", "serviceaccounts", d.key.Namespace).Error(), "")
	default:
		d.add("invigilators", resultOK, "ServiceAccount "+name+" is there", "")
	}
}

// right is one that the caller may have, and what it is for.
type right struct{ verb, group, resource, subresource, name, command string }

func (r right) String() string {
	resource := r.resource
	if r.group != "" {
		resource += "." + r.group
	}

	if r.subresource != "" {
		resource += "/" + r.subresource
	}

	return fmt.Sprintf("%q on %q (%s)", r.verb, resource, r.command)
}

// checkRights says which of the plugin's commands the caller's role has no room
// for. It keeps no student out.
func (d *doctor) checkRights(ctx context.Context) {
	group := examv1alpha1.GroupVersion.Group
	rights := []right{
		{"get", group, "exams", "", d.key.Name, "all commands"},
		{"list", group, "examsessions", "", "", "status, sessions"},
		{"watch", group, "examsessions", "", "", "watch"},
		{"get", "", "secrets", "", d.key.Name + "-links-0", "links"},
		{"list", "", "pods", "", "", "open, actions, evidence, report"},
		{"create", "", "pods", "portforward", "", "open, actions, evidence, report"},
		{"create", "", "serviceaccounts", "token", d.key.Name + "-invigilator", "token, actions, evidence, report"},
	}
	lacking := map[string]bool{}

	for _, r := range rights {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: d.key.Namespace, Verb: r.verb, Name: r.name,
				Group: r.group, Resource: r.resource, Subresource: r.subresource,
			},
		}}

		if err := d.client.Create(ctx, review); err != nil {
			d.add("your rights", resultWarn, "cannot be checked: "+err.Error(), "")

			return
		}

		if !review.Status.Allowed {
			lacking[r.String()] = true
		}
	}

	if len(lacking) > 0 {
		d.add("your rights", resultWarn, "your role lacks "+strings.Join(slices.Sorted(maps.Keys(lacking)), ", "),
			"Ask an admin of namespace "+d.key.Namespace+" for a binding.")

		return
	}

	d.add("your rights", resultOK, "enough for every command", "")
}
