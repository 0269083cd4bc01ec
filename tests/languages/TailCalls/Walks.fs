namespace NativeGreenlet.TailCalls

open System
open System.Runtime.CompilerServices

/// What is passed by value from call to call: larger than any register.
[<Struct>]
type Baggage =
    { First: int64
      Text: string
      Second: float
      Third: int64
      Fourth: int64 }

/// Mutually recursive functions. Each second call passes more arguments than its caller got, so that the runtime cannot
/// just reuse the caller's frame: it returns to a helper first, which has a record of its own on the stack. Before each
/// call whoever began the walk is asked whether to go on, and may let others run.
module Walks =

    [<MethodImpl(MethodImplOptions.NoInlining)>]
    let rec private walkNumbers (more: Func<bool>) (id: int64) (n: int64) : int64 =
        if not (more.Invoke()) then id * 1000L + n
        else carryNumbers more id n (n + 1L) (n + 2L) (n + 3L) (n + 4L) (n + 5L) (n + 6L) (n + 7L)

    and [<MethodImpl(MethodImplOptions.NoInlining)>] private carryNumbers (more: Func<bool>) (id: int64) n a b c d e f g : int64 =
        if a + b + c + d + e + f + g <> 7L * n + 28L then -1L else walkNumbers more id (n + 1L)

    [<MethodImpl(MethodImplOptions.NoInlining)>]
    let rec private walkTexts (more: Func<bool>) (text: string) (held: obj) : string =
        if not (more.Invoke()) then text
        else carryTexts more text held (text + "!") held text held text held text

    and [<MethodImpl(MethodImplOptions.NoInlining)>] private carryTexts (more: Func<bool>) (text: string) (held: obj) (longer: string) (a: obj) b (c: obj) d (e: obj) f : string =
        if not (obj.ReferenceEquals(a, held) && obj.ReferenceEquals(c, held) && obj.ReferenceEquals(e, held)) then "another's object"
        elif not (obj.ReferenceEquals(b, text) && obj.ReferenceEquals(d, text) && obj.ReferenceEquals(f, text)) then "another's text"
        else walkTexts more longer held

    [<MethodImpl(MethodImplOptions.NoInlining)>]
    let rec private walkStructures (more: Func<bool>) (n: int64) (baggage: Baggage) : Baggage =
        if not (more.Invoke()) then baggage
        else carryStructures more n baggage { baggage with First = baggage.First + 1L } baggage.Second baggage.Text

    and [<MethodImpl(MethodImplOptions.NoInlining)>] private carryStructures (more: Func<bool>) (n: int64) (before: Baggage) (after: Baggage) (second: float) (text: string) : Baggage =
        if before.First + 1L <> after.First || second <> after.Second || not (obj.ReferenceEquals(text, after.Text)) then
            { after with First = -1L }
        else
            walkStructures more (n + 1L) after

    /// Numbers. Returns the identifier times 1000, and how many calls there were, added up.
    let Numbers (more: Func<bool>, id: int64) : int64 = walkNumbers more id 0L

    /// References. Returns the text with an exclamation mark for each call.
    let Texts (more: Func<bool>, text: string, held: obj) : string = walkTexts more text held

    /// Structures by value, with references in them, as arguments and as the result. Adds one to the first number for each
    /// call.
    let Structures (more: Func<bool>, baggage: Baggage) : Baggage = walkStructures more 0L baggage
