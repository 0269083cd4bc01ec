namespace NativeGreenlet.Cooperative;

/// <summary>A synchronization object, for the detection of deadlocks.</summary>
internal interface IShared
{
    WaitRoom Room { get; }
}
