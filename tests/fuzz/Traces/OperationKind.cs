namespace NativeGreenlet.Fuzz.Traces;

/// <summary>What a frame of a trace does around or beside its parts.</summary>
internal enum OperationKind
{
    // Frames that hold something.
    Call,
    CallGenerated,
    Recurse,
    Loop,
    References,
    Numbers,
    Vectors,
    Stackalloc,
    ByReference,
    Pinned,

    // Frames that the runtime has a hand in.
    Reflection,
    DynamicMethod,
    GenericVirtual,
    StaticConstructor,
    NativeCallback,
    TypeLoad,
    Resolver,
    MonitorWait,
    Async,

    // Frames of other languages.
    TailCall,
    CxxCatch,

    // Exceptions.
    Catch,
    Finally,
    FinallyUnwinding,
    Filter,
    Rethrow,
    NullReference,
    Raise,

    // The collector, the stack.
    Allocate,
    Collect,
    StackLimit,

    // Greenlets.
    SwitchUp,
    SwitchToSibling,
    ThrowInto,
    Spawn,
    Dispose,

    // What another one may have begun.
    ResumeAsync,
}
