namespace NativeGreenlet.Scheduling;

/// <summary>What a value or an exception for a greenlet does.</summary>
internal enum Resolution
{
    /// <summary>It continues the greenlet: suspended, or ready to start.</summary>
    Continue,

    /// <summary>The greenlet is the current one.</summary>
    Current,

    /// <summary>The greenlet is dead: its parent stands in for it.</summary>
    Dead,

    /// <summary>The greenlet is another thread's.</summary>
    WrongThread,
}
