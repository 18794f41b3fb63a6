package lethe

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// textual is an error for a text of a request that is no UTF-8.
func textual(request proto.Message) error {
	if err := notText("", request.ProtoReflect()); err != nil {
		return err
	}
	return nil
}

// notText is an error for the first text of a message that is no UTF-8, which no message can hold; nil if there is none.
// Within is where the message lies in the request, such as "spec."; empty: it is the request.
func notText(within string, message protoreflect.Message) *Error {
	var found *Error
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		kind, name := field.Kind(), within+string(field.Name())
		if kind != protoreflect.StringKind && kind != protoreflect.MessageKind {
			return true
		}
		look := func(name string, value protoreflect.Value) bool {
			if kind == protoreflect.MessageKind {
				found = notText(name+".", value.Message())
			} else if text := value.String(); !utf8.ValidString(text) {
				found = invalid(name, "is %q; it must be a text in UTF-8", text)
			}
			return found == nil
		}
		switch {
		case field.IsMap():
			// No request has one.
			return true
		case field.IsList():
			for at := range value.List().Len() {
				if !look(fmt.Sprintf("%s[%d]", name, at), value.List().Get(at)) {
					return false
				}
			}
			return true
		default:
			return look(name, value)
		}
	})
	return found
}
