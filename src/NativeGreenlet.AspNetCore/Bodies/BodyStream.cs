using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>The body of a request or a response: its synchronous methods park. Knows whether the next request of the connection can have
/// it, too: nothing of this one is left in it.</summary>
internal sealed class BodyStream : GreenStream
{
    private const int LargestKept = 4096; // bytes of a write, which has a buffer of that size

    private volatile bool _isMarked;

    public BodyStream(Stream below)
        : base(below, leaveOpen: true)
    {
        Below = below;
    }

    /// <summary>Whether something may be left in it: bytes of a read, an error of a write, a time that was set, a buffer too large for a
    /// connection that may be idle.</summary>
    public bool IsMarked => _isMarked;

    /// <summary>The server's.</summary>
    public Stream Below { get; }

    public override int ReadTimeout
    {
        get => base.ReadTimeout;
        set
        {
            _isMarked = true;
            base.ReadTimeout = value;
        }
    }

    public override int WriteTimeout
    {
        get => base.WriteTimeout;
        set
        {
            _isMarked = true;
            base.WriteTimeout = value;
        }
    }

    public override int Read(Span<byte> buffer)
    {
        _isMarked = true;
        return base.Read(buffer);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        bool isDone = false;
        try
        {
            base.Write(buffer);
            isDone = buffer.Length <= LargestKept;
        }
        finally
        {
            _isMarked |= !isDone;
        }
    }

    public override void Flush()
    {
        bool isDone = false;
        try
        {
            base.Flush();
            isDone = true;
        }
        finally
        {
            _isMarked |= !isDone;
        }
    }

    protected override void Dispose(bool disposing)
    {
        _isMarked = true;
        base.Dispose(disposing);
    }
}
