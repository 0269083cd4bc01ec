using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace NativeGreenlet.AspNetCore;

/// <inheritdoc cref="IGreenResponseBody"/>
internal sealed class GreenResponseBody(IHttpResponseBodyFeature below) : IGreenResponseBody
{
    private PipeWriter? _writerBelow;
    private PipeWriter? _writer;

    public IHttpResponseBodyFeature Below => below;

    public Stream Stream => below.Stream;

    public PipeWriter Writer => GreenPipeWriter.Of(below.Writer, ref _writerBelow, ref _writer);

    public void DisableBuffering() => below.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => below.StartAsync(cancellationToken);

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        below.SendFileAsync(path, offset, count, cancellationToken);

    public Task CompleteAsync() => below.CompleteAsync();
}
