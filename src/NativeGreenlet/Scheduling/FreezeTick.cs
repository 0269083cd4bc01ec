namespace NativeGreenlet.Scheduling;

/// <summary>Tells each carrier of a collection: an object that nobody refers to, whose finalizer makes the next.</summary>
internal sealed class FreezeTick
{
    private static int s_isStarted;

    private FreezeTick()
    {
    }

    ~FreezeTick()
    {
        if (Runtime.FreezeSetting.Mode != GreenletFreezing.Off)
        {
            CarrierRegistry.ForEach(static carrier => carrier.RequestFreezing());
            _ = new FreezeTick();
        }
    }

    /// <summary>Begins, at the first call.</summary>
    public static void Start()
    {
        if (Interlocked.Exchange(ref s_isStarted, 1) == 0)
        {
            _ = new FreezeTick();
        }
    }
}
