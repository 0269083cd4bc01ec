namespace NativeGreenlet.Weaving.Locks;

/// <summary>A <see cref="Mutex"/>, which other processes may have, too.</summary>
internal readonly struct MutexKind : ILockKind
{
    public static bool TryEnter(object target) => ((Mutex)target).WaitOne(0);

    public static void Exit(object target) => ((Mutex)target).ReleaseMutex();

    // There is no question that does not change the answer. Whoever it was released by, the weaver saw.
    public static bool IsEntered(object target) => true;
}
