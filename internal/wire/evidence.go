package wire

// KeptPicture answers POST evidence: a picture of the student's page is taken as
// evidence.
type KeptPicture struct {
	// SHA256 in hex and Size in bytes, of what is kept: the picture is encoded anew.
	SHA256 string `json:"sha256"`
	Size   int    `json:"size"`
}
