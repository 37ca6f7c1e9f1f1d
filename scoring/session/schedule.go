package session

import "github.com/invigil/invigil/internal/wire"

// Access is when a student may be in the exam.
type Access struct {
	// Over: their own time has passed. Closed: that to send what is left, too.
	Over, Closed bool
	// Terminated by an invigilator.
	Terminated bool
	// EndsAt is their own end, 0 for none, and LastAt when it is closed.
	EndsAt, LastAt int64
}

// Access of a student; ok is whether they are on the roster.
func (t *Tracker) Access(student string) (access Access, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()

	e, ok := t.sessions[student]
	if !ok {
		return Access{}, false
	}

	access.Terminated = e.control.terminated

	now := t.now().UnixMilli()
	if end := t.end(e, now); end != 0 {
		access.EndsAt, access.LastAt = end, end+t.config.GraceMs
		access.Over, access.Closed = now >= end, now >= access.LastAt
	}

	return access, true
}

// Info is what a student's page shows of the exam.
func (t *Tracker) Info(student string) wire.ExamInfo {
	t.mu.Lock()
	defer t.mu.Unlock()

	if e, ok := t.sessions[student]; ok {
		return *t.examOf(e)
	}

	return *t.examInfo()
}

// sendExam tells a page of its exam, which has changed.
func (t *Tracker) sendExam(e *entry) {
	if e.conn != nil && e.greeted {
		e.conn.Send(wire.ServerMessage{Type: "exam", Exam: t.examOf(e)})
	}
}

// examOf is the exam as one student has it: with their own end.
func (t *Tracker) examOf(e *entry) *wire.ExamInfo {
	info := t.infoOf(e)
	info.Now = t.now().UnixMilli()

	return &info
}

func (t *Tracker) infoOf(e *entry) wire.ExamInfo {
	info := t.info(t.config)
	info.EndsAt = t.shownEnd(e)

	return info
}

func (t *Tracker) examInfo() *wire.ExamInfo {
	info := t.info(t.config)
	info.Now = t.now().UnixMilli()

	return &info
}

// info is what a page shows of config, without the time.
func (t *Tracker) info(config wire.ExamConfig) wire.ExamInfo {
	return wire.ExamInfo{
		Namespace: config.Namespace, Name: config.Name, Title: config.Title, ContentURL: config.ContentURL,
		ContentPlacement: config.ContentPlacement,
		OpensAt:          config.OpensAt, StartsAt: config.StartsAt, EndsAt: config.EndsAt,
	}
}
