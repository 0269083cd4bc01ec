using NativeGreenlet.Interop;

namespace NativeGreenlet.Scheduling;

/// <summary>
/// What is set aside of a greenlet that has been parked for long: <see cref="GreenletCore.Native"/> is a stand-in meanwhile, which
/// every switch refuses. So whatever continues it comes through <see cref="Carrier"/>'s slow path, and a switch has nothing to
/// look at.
/// </summary>
internal sealed unsafe class FrozenPark
{
    /// <summary>The greenlet itself; null while it is not set aside.</summary>
    public ng_greenlet* Native;

    /// <summary>What the native library keeps of it while it is frozen.</summary>
    public ng_frozen* Frozen;

    /// <summary>What its stack refers to while it is frozen. Let go of when it is thawed: it would keep alive what the stack no
    /// longer refers to.</summary>
    public object?[]? References;

    /// <summary>Bytes of stack that it uses while it is frozen.</summary>
    public long StackBytes;

    /// <summary>Times that it was found as it had been set aside.</summary>
    public int Age;

    /// <summary>Times that it was frozen.</summary>
    public int Number;

    /// <summary>Lessons that were given for it and did not suffice.</summary>
    public int Lessons;

    /// <summary>How often it has to be found so before it is frozen: more for one that was continued soon after it was frozen.</summary>
    public int Patience;

    /// <summary>When it was frozen, by <see cref="FreezeTick.Count"/>.</summary>
    public long FrozenAt;

    /// <summary>Whether it cannot be frozen as it is parked now.</summary>
    public bool IsRefused;
}
