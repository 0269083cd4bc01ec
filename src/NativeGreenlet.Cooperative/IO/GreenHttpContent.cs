using System.Net;
using System.Net.Http.Headers;

namespace NativeGreenlet.Cooperative.IO;

/// <summary>The content of an answer whose synchronous methods park. Everything asynchronous is the original's.</summary>
internal sealed class GreenHttpContent : HttpContent
{
    private const int BufferSize = 16 * 1024;

    private readonly HttpContent _content;

    public GreenHttpContent(HttpContent content)
    {
        _content = content;
        foreach (KeyValuePair<string, HeaderStringValues> header in content.Headers.NonValidated)
        {
            Headers.TryAddWithoutValidation(header.Key, header.Value);
        }
    }

    /// <summary>Waits for an operation which a token cancels, too.</summary>
    public static T Await<T>(Func<CancellationToken, Task<T>> operation, Action<T> whenGivenUp, CancellationToken cancellation)
    {
        if (!cancellation.CanBeCanceled)
        {
            return Hub.Await(operation, whenGivenUp);
        }

        return Hub.Await(
            async token =>
            {
                using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(token, cancellation);
                return await operation(both.Token).ConfigureAwait(false);
            },
            whenGivenUp);
    }

    // Called by HttpClient.Send, which limits what it reads into memory by the stream that it gives; and by CopyTo.
    protected override void SerializeToStream(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        using Stream body = Open(cancellationToken);
        byte[] buffer = new byte[BufferSize]; // not one of a pool: a read that ignores its token may write to it for ever
        while (Await(token => body.ReadAsync(buffer, token).AsTask(), static _ => { }, cancellationToken) is > 0 and var count)
        {
            stream.Write(buffer, 0, count);
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        _content.CopyToAsync(stream, context);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        _content.CopyToAsync(stream, context, cancellationToken);

    protected override Stream CreateContentReadStream(CancellationToken cancellationToken) => new GreenStream(Open(cancellationToken));

    protected override async Task<Stream> CreateContentReadStreamAsync() =>
        new GreenStream(await _content.ReadAsStreamAsync().ConfigureAwait(false));

    protected override async Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken) =>
        new GreenStream(await _content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));

    protected override bool TryComputeLength(out long length)
    {
        length = _content.Headers.ContentLength ?? 0;
        return _content.Headers.ContentLength is not null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _content.Dispose();
        }

        base.Dispose(disposing);
    }

    private Stream Open(CancellationToken cancellation) => Await(_content.ReadAsStreamAsync, static late => late.Dispose(), cancellation);
}
