namespace NativeGreenlet.Weaving.Locals;

/// <summary>Marks a class of twins that the weaver uses only where values of threads are to be those of greenlets:
/// <c>GreenletWeaveThreadLocals</c>.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ThreadLocalTwinAttribute : Attribute
{
}
