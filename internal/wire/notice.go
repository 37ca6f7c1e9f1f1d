package wire

// Notice answers GET notice: what a student has to know before they agree to be
// watched. The link token is the bearer token; nothing is joined yet, and the exam
// need not be open.
type Notice struct {
	Student Student  `json:"student"`
	Exam    ExamInfo `json:"exam"`
	// Policy as it holds for this student: signs that an accommodation switches
	// off are not in it.
	Policy Policy `json:"policy"`
	// Evidence says which pictures are kept, and how long. Absent: none are.
	Evidence *EvidenceConfig `json:"evidence,omitempty"`
}
