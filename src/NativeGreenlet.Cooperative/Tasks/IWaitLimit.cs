namespace NativeGreenlet.Cooperative.Tasks;

/// <summary>What may end the waits of one task from some line of its code to another: a timeout, a token. Limits are nested; only the
/// hub's thread uses them.</summary>
internal interface IWaitLimit
{
    /// <summary>The next one around it.</summary>
    IWaitLimit? Outer { get; set; }

    /// <summary>Whether it can still end a wait.</summary>
    bool IsRunning { get; }

    /// <summary>Whether an exception is the one that it throws.</summary>
    bool Owns(Exception exception);

    /// <summary>A wait should have thrown its exception, and did not return to do it: the next one does.</summary>
    void Pend();

    /// <summary>At the beginning of a wait: throws what is due.</summary>
    void ThrowPending();
}
