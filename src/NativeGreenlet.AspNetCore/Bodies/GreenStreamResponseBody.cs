using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace NativeGreenlet.AspNetCore;

/// <summary>What <c>Response.Body = stream</c> puts in place, as the request sees it. The framework asks for its type when a body is put
/// back.</summary>
internal sealed class GreenStreamResponseBody(StreamResponseBodyFeature below) : StreamResponseBodyFeature(below.Stream, below.PriorFeature!), IGreenResponseBody
{
    private PipeWriter? _writerBelow;
    private PipeWriter? _writer;

    public IHttpResponseBodyFeature Below => below;

    PipeWriter IHttpResponseBodyFeature.Writer => GreenPipeWriter.Of(below.Writer, ref _writerBelow, ref _writer);

    public override void DisableBuffering() => below.DisableBuffering();

    public override Task StartAsync(CancellationToken cancellationToken = default) => below.StartAsync(cancellationToken);

    public override Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken) =>
        below.SendFileAsync(path, offset, count, cancellationToken);

    public override Task CompleteAsync() => below.CompleteAsync();
}
