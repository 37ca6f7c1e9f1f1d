package wire

// Error is the body of every HTTP answer that is not a success, and of an
// "error" message on the event socket.
type Error struct {
	// Code is stable: clients may compare it.
	Code ErrorCode `json:"code"`
	// Message is for people and may change.
	Message string `json:"message"`
}

// ErrorCode is a stable, machine-readable error.
type ErrorCode string

// The error codes. docs/protocol.md says which answer carries which.
const (
	CodeBadRequest        ErrorCode = "BadRequest"
	CodeTooLarge          ErrorCode = "TooLarge"
	CodeUnsupportedMedia  ErrorCode = "UnsupportedMediaType"
	CodeUnauthenticated   ErrorCode = "Unauthenticated"
	CodeTokenExpired      ErrorCode = "TokenExpired"
	CodeForbidden         ErrorCode = "Forbidden"
	CodeWrongExam         ErrorCode = "WrongExam"
	CodeNotEnrolled       ErrorCode = "NotEnrolled"
	CodeExamNotOpen       ErrorCode = "ExamNotOpen"
	CodeExamFinished      ErrorCode = "ExamFinished"
	CodeSessionReplaced   ErrorCode = "SessionReplaced"
	CodeNotFound          ErrorCode = "NotFound"
	CodeConflict          ErrorCode = "Conflict"
	CodePreconditionFail  ErrorCode = "PreconditionFailed"
	CodeNoShardAvailable  ErrorCode = "NoShardAvailable"
	CodeNotReady          ErrorCode = "NotReady"
	CodeShardUnreachable  ErrorCode = "ShardUnreachable"
	CodeTooManySessions   ErrorCode = "TooManySessions"
	CodeInternal          ErrorCode = "Internal"
	CodeUnknownMessage    ErrorCode = "UnknownMessage"
	CodeUnknownViolation  ErrorCode = "UnknownViolation"
	CodeRateLimited       ErrorCode = "RateLimited"
	CodeUnsupportedOffer  ErrorCode = "UnsupportedOffer"
	CodeVersionNotOffered ErrorCode = "VersionNotOffered"
	CodeMethodNotAllowed  ErrorCode = "MethodNotAllowed"
	CodeDraining          ErrorCode = "Draining"
	CodeKeyFrameTimeout   ErrorCode = "KeyFrameTimeout"
	CodeBadSlot           ErrorCode = "BadSlot"
	CodeTooManySlots      ErrorCode = "TooManySlots"
	CodeAlreadyPublishing ErrorCode = "AlreadyPublishing"
	CodeRequestTimeout    ErrorCode = "RequestTimeout"
	CodeViolationTooOld   ErrorCode = "ViolationTooOld"
	CodePictureExists     ErrorCode = "PictureExists"
	CodeEvidenceSealed    ErrorCode = "EvidenceSealed"
	CodeNotJPEG           ErrorCode = "NotJPEG"
	CodeBadDimensions     ErrorCode = "BadDimensions"
	CodeUndecodable       ErrorCode = "Undecodable"
)
