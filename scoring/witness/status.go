package witness

import "github.com/invigil/invigil/internal/wire"

// status is what the operator is told; nil if nothing is recorded.
func (w *Witness) status() *wire.EvidenceStatus {
	if w.config.Load() == nil {
		return nil
	}

	state := w.vault.State()

	w.mu.Lock()
	defer w.mu.Unlock()

	return &wire.EvidenceStatus{
		Records: state.Records, Pictures: state.Pictures, Backlog: w.writer.Backlog(),
		SealedAt: w.end.sealedAt, Head: w.end.head, ExpiredAt: w.end.expiredAt, Failing: state.Failing,
	}
}
