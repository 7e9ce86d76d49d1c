// Package reply reads what servers answer: the replies of the scripts, each in its
// form, and errors, of which it tells what became of the request and what to do.
//
// What is not in a script's form is refused with ErrForm, never read as something else.
package reply
