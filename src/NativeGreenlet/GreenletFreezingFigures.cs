using NativeGreenlet.Interop;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet;

/// <summary>What has come of freezing parked greenlets, in the whole process, as of one moment.</summary>
/// <example><code>
/// GreenletFreezingFigures figures = GreenletDiagnostics.Freezing;
/// Console.WriteLine($"{figures.Frozen} are frozen; {figures.Freezes} were, {figures.Thaws} were continued");
/// Console.WriteLine($"{figures.Refused(GreenletFreezingRefusal.NotPlain)} could not be: parked inside a catch block, for example");
/// </code></example>
public sealed class GreenletFreezingFigures
{
    private readonly long[] _refused;

    internal GreenletFreezingFigures(ng_freeze_statistics native)
    {
        Frozen = FreezeFigures.Frozen;
        Freezes = FreezeFigures.Verdicts(ng_freeze_verdict.POSSIBLE);
        Thaws = FreezeFigures.Thaws;
        Lessons = FreezeLessons.Count;
        Shapes = (long)native.shapes;
        ShapeBytes = (long)native.shape_bytes;
        Byrefs = (long)native.byrefs;
        _refused = [.. Enum.GetValues<GreenletFreezingRefusal>().Select(static reason => FreezeFigures.Verdicts(FreezeFigures.VerdictOf(reason)))];
    }

    /// <summary>Gets how many greenlets are frozen now.</summary>
    public long Frozen { get; }

    /// <summary>Gets how often a greenlet was frozen.</summary>
    public long Freezes { get; }

    /// <summary>Gets how often a frozen greenlet was put back, because something continued it or looked at it.</summary>
    public long Thaws { get; }

    /// <summary>Gets how often it was found out which words of a stack are references: three collections of generation 0 each.</summary>
    public long Lessons { get; }

    /// <summary>Gets how many kinds of stacks are known.</summary>
    public long Shapes { get; }

    /// <summary>Gets the memory that they take, in bytes.</summary>
    public long ShapeBytes { get; }

    /// <summary>Gets how many references into the middle of objects are kept for frozen greenlets, which each collection looks at.</summary>
    public long Byrefs { get; }

    /// <summary>Counts how often a parked greenlet was looked at and not frozen.</summary>
    /// <param name="reason">Why not.</param>
    /// <returns>The times; one greenlet can be in it again, after it was continued and parked once more, and each time where its stack
    /// is not known yet.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="reason"/> is no reason.</exception>
    public long Refused(GreenletFreezingRefusal reason) =>
        Enum.IsDefined(reason) ? _refused[(int)reason] : throw new ArgumentOutOfRangeException(nameof(reason));
}
