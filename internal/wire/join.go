package wire

// JoinRequest is the body of POST join; the link token is the bearer token.
type JoinRequest struct {
	// Device is a random id that the page makes once per tab. Joining again with
	// the same device resumes the session; another device takes it over.
	Device string `json:"device"`
}

// JoinResponse admits the student.
type JoinResponse struct {
	// Token is the session token: bearer token of every later request.
	Token      string      `json:"token"`
	ExpiresAt  int64       `json:"expiresAt"`
	Student    Student     `json:"student"`
	Exam       ExamInfo    `json:"exam"`
	Shard      string      `json:"shard"`
	Policy     Policy      `json:"policy"`
	IceServers []IceServer `json:"iceServers"`
}

// ExamInfo is what the student's page shows of the exam.
type ExamInfo struct {
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	Title      string `json:"title"`
	ContentURL string `json:"contentURL,omitempty"`
	// ContentPlacement is where the quiz is shown: "Frame", also if absent, or "Tab".
	ContentPlacement string `json:"contentPlacement,omitempty"`
	OpensAt          int64  `json:"opensAt,omitempty"`
	StartsAt         int64  `json:"startsAt,omitempty"`
	EndsAt           int64  `json:"endsAt,omitempty"`
	// Now is the server's clock, for the page's countdown.
	Now int64 `json:"now"`
}

// IceServer is one RTCIceServer.
type IceServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}
