using System.Globalization;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Scheduling;

/// <summary>What has come of freezing so far, in the whole process.</summary>
internal static unsafe class FreezeFigures
{
    private static readonly long[] s_verdicts = new long[(int)ng_freeze_verdict.REFUSED + 1];
    private static long s_thaws;

    /// <summary>Greenlets that are frozen now.</summary>
    public static long Frozen => CarrierRegistry.Sum(static carrier => carrier.FrozenCount);

    /// <summary>Times that one was thawed.</summary>
    public static long Thaws => Interlocked.Read(ref s_thaws);

    /// <summary>Times that a greenlet was frozen, or could not be, for one reason.</summary>
    public static long Verdicts(ng_freeze_verdict verdict) => Interlocked.Read(ref s_verdicts[(int)verdict]);

    /// <summary>Counts a try.</summary>
    public static void Add(ng_freeze_verdict verdict) => Interlocked.Increment(ref s_verdicts[(int)verdict]);

    /// <summary>Counts a thaw.</summary>
    public static void AddThaw() => Interlocked.Increment(ref s_thaws);

    /// <summary>What the native library calls a reason.</summary>
    public static ng_freeze_verdict VerdictOf(GreenletFreezingRefusal reason) => reason switch
    {
        GreenletFreezingRefusal.NotLearned => ng_freeze_verdict.UNKNOWN,
        GreenletFreezingRefusal.NotPlain => ng_freeze_verdict.NOT_PLAIN,
        GreenletFreezingRefusal.Pins => ng_freeze_verdict.PINS,
        GreenletFreezingRefusal.Unloadable => ng_freeze_verdict.UNLOADABLE,
        GreenletFreezingRefusal.Deep => ng_freeze_verdict.DEEP,
        _ => ng_freeze_verdict.REFUSED,
    };

    /// <summary>One line; empty where no thread has had enough greenlets for any to be frozen.</summary>
    public static string Line
    {
        get
        {
            ng_freeze_statistics now;
            if (!FreezeTick.IsStarted || NativeMethods.ng_freeze_query(&now) != ng_status.OK)
            {
                return string.Empty;
            }

            IEnumerable<string> refused = Enum.GetValues<ng_freeze_verdict>()
                .Where(static verdict => verdict != ng_freeze_verdict.POSSIBLE)
                .Select(static verdict => $"{Name(verdict)} {Verdicts(verdict).ToString(CultureInfo.InvariantCulture)}");
            return string.Create(
                CultureInfo.InvariantCulture,
                $"frozen: {Frozen} now, {Verdicts(ng_freeze_verdict.POSSIBLE)} times, thawed {Thaws} times; shapes: {now.shapes}, {now.shape_bytes} bytes; byrefs: {now.byrefs}; not frozen: {string.Join(", ", refused)}");
        }
    }

    private static string Name(ng_freeze_verdict verdict) => verdict switch
    {
        ng_freeze_verdict.UNKNOWN => "shape not learned yet",
        ng_freeze_verdict.NOT_PLAIN => "below runtime or native code",
        ng_freeze_verdict.PINS => "pins an object",
        ng_freeze_verdict.UNLOADABLE => "code that can be unloaded",
        ng_freeze_verdict.DEEP => "deep",
        _ => "shape not learnable",
    };
}
