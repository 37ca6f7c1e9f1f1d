package evidence

// Backlog is how many entries wait for the bucket.
func (w *Writer) Backlog() int {
	w.mu.Lock()
	defer w.mu.Unlock()

	return w.entries
}

// Waits is whether entries of the student do.
func (w *Writer) Waits(student string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()

	return w.lanes[student] != nil
}
