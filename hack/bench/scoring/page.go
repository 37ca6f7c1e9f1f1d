package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/invigil/invigil/internal/wire"
)

const (
	violation = "FocusLost"
	// everyNth report carries a violation; which, differs between students.
	everyNth = 20
	// outstanding bounds the reports of one session that wait for their
	// acknowledgement: those of the longest outage, with room.
	outstanding = 64
)

func student(i int) string { return "student-" + strconv.Itoa(i) }

// session is one student's page.
type session struct {
	socket *socket
	// number of the student.
	number int64

	mu sync.Mutex
	// sent and acked are reports' numbers, certain the last one with a violation
	// that is acknowledged, at when they were sent, counted how many violations the
	// acknowledged ones had.
	sent, acked, certain int64
	at                   [outstanding]time.Time
	counted              int64
}

func join(ctx context.Context, client *http.Client, s *servers, i int) (*session, error) {
	link, err := s.links.SignLink(student(i), s.end)
	if err != nil {
		return nil, err
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.public+base+"api/v1/join",
		strings.NewReader(`{"device":"device-`+strconv.Itoa(i)+`"}`))
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}

	request.Header.Set("Authorization", "Bearer "+link)

	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	defer response.Body.Close()

	var joined wire.JoinResponse
	if err := json.NewDecoder(response.Body).Decode(&joined); err != nil || response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("join: %s, %w", response.Status, err)
	}

	opened, err := dial(ctx, s.public, base+"api/v1/events", joined.Token, i)

	return &session{socket: opened, number: int64(i)}, err
}

// violates is whether that report carries a violation.
func (s *session) violates(seq int64) bool { return (seq+s.number)%everyNth == 0 }

// violated is when the report with that violation of the student's was sent, the
// first being 1. known is false for one so old that it is forgotten.
func (s *session) violated(number int64) (sent time.Time, known bool) {
	seq := number*everyNth - s.number%everyNth

	s.mu.Lock()
	defer s.mu.Unlock()

	return s.at[seq%outstanding], seq <= s.sent && seq > s.sent-outstanding
}
