using System.IO.Pipelines;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>The server's writer, but for the streams that it makes: their synchronous methods park.</summary>
internal sealed class GreenPipeWriter(PipeWriter inner) : PipeWriter
{
    /// <summary>That of a writer, which may have become another one.</summary>
    public static PipeWriter Of(PipeWriter below, ref PipeWriter? lastBelow, ref PipeWriter? last)
    {
        if (last is null || lastBelow != below)
        {
            lastBelow = below;
            last = below as GreenPipeWriter ?? new GreenPipeWriter(below);
        }

        return last;
    }

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override Stream AsStream(bool leaveOpen = false) => new GreenStream(inner.AsStream(leaveOpen));

    public override void Advance(int bytes) => inner.Advance(bytes);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(source, cancellationToken);

    protected override Task CopyFromAsync(Stream source, CancellationToken cancellationToken = default) => source.CopyToAsync(inner, cancellationToken);
}
