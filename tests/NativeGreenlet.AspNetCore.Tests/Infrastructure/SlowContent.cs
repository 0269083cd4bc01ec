using System.Net;

namespace NativeGreenlet.AspNetCore.Tests.Infrastructure;

/// <summary>A body that arrives in pieces with pauses between them, so that whoever reads it has to wait.</summary>
internal sealed class SlowContent : HttpContent
{
    private readonly byte[] _bytes;
    private readonly int _pieces;
    private readonly Func<Task> _between;

    /// <summary>Creates one.</summary>
    /// <param name="bytes">The body.</param>
    /// <param name="type">Its type.</param>
    /// <param name="pieces">In how many pieces it is sent.</param>
    /// <param name="between">What must happen between two of them; null for a short time.</param>
    public SlowContent(byte[] bytes, string type, int pieces = 4, Func<Task>? between = null)
    {
        _between = between ?? (() => Task.Delay(10));
        _bytes = bytes;
        _pieces = pieces;
        Headers.ContentType = new(type);
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        int size = Math.Max(1, _bytes.Length / _pieces);
        for (int from = 0; from < _bytes.Length; from += size)
        {
            await stream.WriteAsync(_bytes.AsMemory(from, Math.Min(size, _bytes.Length - from)));
            await stream.FlushAsync();
            await _between();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _bytes.Length;
        return true;
    }
}
