using System.Net;

namespace NativeGreenlet.AspNetCore.Tests.Infrastructure;

/// <summary>A body that arrives in pieces with pauses between them, so that whoever reads it has to wait.</summary>
internal sealed class SlowContent : HttpContent
{
    private readonly byte[] _bytes;
    private readonly int _pieces;

    public SlowContent(byte[] bytes, string type, int pieces = 4)
    {
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
            await Task.Delay(10);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _bytes.Length;
        return true;
    }
}
