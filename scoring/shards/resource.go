package shards

import (
	"context"
	"fmt"
	"net/http"
)

// Resource is one media session on a pod.
type Resource struct {
	Shard string
	ID    string
}

// Resources are a student's media sessions on all pods.
func (w *Watcher) Resources(student string) []Resource {
	var resources []Resource

	for _, shard := range w.View() {
		for _, stream := range shard.Streams {
			if stream.Student == student {
				resources = append(resources, Resource{Shard: shard.Name, ID: stream.Session})
			}
		}
	}

	return resources
}

// End ends a media session. One that has ended already is no error.
func (w *Watcher) End(ctx context.Context, resource Resource) error {
	shard, ok := w.Lookup(resource.Shard)
	if !ok {
		return nil // The pod is gone, and its sessions with it.
	}

	token, err := w.options.Token()
	if err != nil {
		return err
	}

	target := shard.URL.JoinPath("whip", resource.ID)

	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, target.String(), nil)
	if err != nil {
		return fmt.Errorf("end media session: %w", err)
	}

	request.Header.Set("Authorization", "Bearer "+token)

	response, err := w.options.Client.Do(request)
	if err != nil {
		return fmt.Errorf("end media session: %w", err)
	}
	defer response.Body.Close()

	if response.StatusCode >= http.StatusBadRequest && response.StatusCode != http.StatusNotFound {
		return fmt.Errorf("%w: status %d", errAnswer, response.StatusCode)
	}

	return nil
}
