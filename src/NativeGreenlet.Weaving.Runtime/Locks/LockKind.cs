namespace NativeGreenlet.Weaving.Locks;

/// <summary>A <see cref="Lock"/>.</summary>
internal readonly struct LockKind : ILockKind
{
    public static bool TryEnter(object target) => ((Lock)target).TryEnter();

    public static void Exit(object target) => ((Lock)target).Exit();

    public static bool IsEntered(object target) => ((Lock)target).IsHeldByCurrentThread;
}
