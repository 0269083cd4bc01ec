namespace NativeGreenlet.Weaving.Locks;

/// <summary>A lock that a thread owns: a structure, so that the code for each kind is compiled for it.</summary>
internal interface ILockKind
{
    /// <summary>Takes the lock for the thread if that needs no wait.</summary>
    static abstract bool TryEnter(object target);

    /// <summary>Gives it back once.</summary>
    static abstract void Exit(object target);

    /// <summary>Whether the thread has it.</summary>
    static abstract bool IsEntered(object target);
}
