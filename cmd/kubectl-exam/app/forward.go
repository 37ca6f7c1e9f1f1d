package app

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
)

// podForwarder forwards through the API server, as kubectl port-forward does.
type podForwarder struct {
	config *rest.Config
	pods   rest.Interface
}

func newPodForwarder(config *rest.Config) (Forwarder, error) {
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}

	return &podForwarder{config: config, pods: clientset.CoreV1().RESTClient()}, nil
}

// Forward implements Forwarder.
func (f *podForwarder) Forward(ctx context.Context, pod types.NamespacedName, localPort, podPort int, ready func()) error {
	// Its log tells of every connection that a browser drops.
	ctx = klog.NewContext(ctx, logr.Discard())

	dialer, refused, err := f.dialer(pod)
	if err != nil {
		return err
	}

	listening := make(chan struct{})
	ports := []string{fmt.Sprintf("%d:%d", localPort, podPort)}

	forwarder, err := portforward.NewOnAddressesForStreamingWithContext(
		ctx, dialer, []string{"127.0.0.1"}, ports, listening, io.Discard, io.Discard)
	if err != nil {
		return err
	}

	ended := make(chan error, 1)

	go func() { ended <- forwarder.ForwardPorts() }()

	select {
	case <-ctx.Done():
		// Connecting heeds no context; it ends by itself and finds ctx ended.
		return ctx.Err()
	case err := <-ended:
		if apierrors.IsForbidden(refused.err) || apierrors.IsUnauthorized(refused.err) {
			return refused.err
		}

		return err
	case <-listening:
		ready()

		return <-ended
	}
}

// dialer speaks WebSocket, and SPDY where the server or a proxy cannot.
func (f *podForwarder) dialer(pod types.NamespacedName) (httpstream.Dialer, *refusals, error) {
	address := f.pods.Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("portforward").URL()

	websocket, err := portforward.NewSPDYOverWebsocketDialerForStreaming(address, f.config)
	if err != nil {
		return nil, nil, err
	}

	transport, upgrader, err := spdy.RoundTripperFor(f.config)
	if err != nil {
		return nil, nil, err
	}

	refused := &refusals{RoundTripper: transport}

	return portforward.NewFallbackDialerForStreaming(
		websocket,
		spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: refused}, http.MethodPost, address),
		func(err error) bool { return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err) },
	), refused, nil
}

// refusals keeps the status of the answer that refuses the connection, of which
// the SPDY dialer passes on only the text.
type refusals struct {
	http.RoundTripper

	err error
}

// RoundTrip implements http.RoundTripper.
func (t *refusals) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(request)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		resource := schema.GroupResource{Resource: podsResource + "/portforward"}
		t.err = apierrors.NewGenericServerResponse(response.StatusCode, "create", resource, "", "", 0, true)
	}

	return response, err
}
