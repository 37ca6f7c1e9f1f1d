package controllers

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/issuer"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/internal/wire"
)

// eventIssuerUnknown tells that the cluster does not say who signs its tokens.
const eventIssuerUnknown = "TokenIssuerUnknown"

// applyInvigilators makes who watches, and finds how scoring checks their tokens.
// Without that the exam runs all the same, and nobody can watch it.
func (r *Reconciler) applyInvigilators(ctx context.Context, p *pass) error {
	tokens, problem := r.Issuer.Current()
	known := r.memory.of(p.exam)

	switch {
	case tokens != nil:
		p.invigilators = manifests.Invigilators(p.exam, tokens.URL, tokens.Keys)
	case known.invigilators != nil:
		p.invigilators = known.invigilators
	default:
		// The operator has just started: what scoring was given last holds.
		last, err := r.lastInvigilators(ctx, p.exam)
		if err != nil {
			return err
		}

		p.invigilators = last
	}

	known.invigilators = p.invigilators

	if problem != nil && p.invigilators == nil && known.issuerProblem != problem.Error() {
		p.events = append(p.events, pendingEvent{corev1.EventTypeWarning, eventIssuerUnknown,
			"Nobody can watch this exam yet: " + problem.Error()})
	}

	known.issuerProblem = ""
	if problem != nil {
		known.issuerProblem = problem.Error()
	}

	return r.Applier.Apply(ctx, p.exam, manifests.InvigilatorAccount(p.exam), manifests.InvigilatorRole(p.exam))
}

// lastInvigilators is what scoring was given last, or nil.
func (r *Reconciler) lastInvigilators(ctx context.Context, exam *examv1alpha1.Exam) (*wire.Invigilators, error) {
	config, err := r.ownSecret(ctx, exam, manifests.ConfigName(exam.Name))
	if config == nil || err != nil {
		return nil, err
	}

	var known wire.ExamConfig
	if err := json.Unmarshal(config.Data[manifests.ConfigFile], &known); err != nil {
		return nil, nil //nolint:nilerr,nilnil // somebody spoilt it, so there is none
	}

	return known.Invigilators, nil
}

// watchIssuer follows who signs the cluster's tokens.
func watchIssuer(mgr ctrl.Manager, options Options) (*issuer.Watcher, error) {
	get := options.IssuerGet
	if get == nil {
		client, err := kubernetes.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
		if err != nil {
			return nil, fmt.Errorf("make client for the token issuer: %w", err)
		}

		get = issuer.FromAPIServer(client.Discovery().RESTClient())
	}

	watcher := issuer.New(get)
	watcher.Exams = func(ctx context.Context) ([]examv1alpha1.Exam, error) {
		exams := &examv1alpha1.ExamList{}
		err := mgr.GetClient().List(ctx, exams)

		return exams.Items, err
	}

	if options.IssuerInterval > 0 {
		watcher.Interval, watcher.Retry = options.IssuerInterval, options.IssuerInterval
	}

	if err := mgr.Add(watcher); err != nil {
		return nil, fmt.Errorf("add watcher of the token issuer: %w", err)
	}

	return watcher, nil
}
