using NativeGreenlet.Runtime;

namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>Where a wait is: the low bits of <see cref="Waiter"/>'s state.</summary>
internal enum WakeReason
{
    /// <summary>Nobody waits.</summary>
    None,

    /// <summary>The wait goes on: whoever changes this first decides how it ends.</summary>
    Waiting,

    /// <summary>What it waits for has come.</summary>
    Signalled,

    /// <summary>It has not come in time.</summary>
    TimedOut,

    /// <summary>A kill, a timeout around it, a deadlock: the wait throws.</summary>
    Thrown,

    /// <summary>The token of the wait is cancelled.</summary>
    Cancelled,
}
