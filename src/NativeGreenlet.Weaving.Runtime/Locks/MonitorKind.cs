namespace NativeGreenlet.Weaving.Locks;

/// <summary>The lock that every object has.</summary>
internal readonly struct MonitorKind : ILockKind
{
    public static bool TryEnter(object target) => Monitor.TryEnter(target);

    public static void Exit(object target) => Monitor.Exit(target);

    public static bool IsEntered(object target) => Monitor.IsEntered(target);
}
