using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>
/// The bodies of a request and of its response as they are while it runs on a greenlet: their synchronous methods park.
/// Everything asynchronous is the server's.
/// </summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The streams below are the server's.")]
internal sealed class GreenBodies : IHttpResponseBodyFeature, IRequestBodyPipeFeature, IFormFeature
{
    private readonly HttpContext _context;
    private readonly Stream _request;
    private readonly IRequestBodyPipeFeature? _requestPipe;
    private readonly IHttpResponseBodyFeature _response;
    private readonly IFormFeature? _formBefore;
    private readonly Stream _greenRequest;
    private readonly Lock _formLock = new();
    private IFormFeature? _form;
    private Task<IFormCollection>? _formRead; // that all synchronous readers wait for
    private CancellationTokenSource? _formEnd; // ends it
    private int _formReaders;
    private GreenStream? _stream;
    private RequestBodyPipeFeature? _exchangedPipe;
    private GreenPipeReader? _reader;
    private PipeReader? _readerBelow;
    private GreenPipeWriter? _writer;

    private GreenBodies(HttpContext context, IHttpResponseBodyFeature response)
    {
        _context = context;
        _response = response;
        _request = context.Request.Body;
        _requestPipe = context.Features.Get<IRequestBodyPipeFeature>();
        _formBefore = context.Features.Get<IFormFeature>();
        _greenRequest = new GreenStream(_request, leaveOpen: true);
    }

    public Stream Stream => _stream ??= new GreenStream(_response.Stream, leaveOpen: true);

    public PipeWriter Writer => _writer ??= new GreenPipeWriter(_response.Writer);

    PipeReader IRequestBodyPipeFeature.Reader
    {
        get
        {
            // Who has exchanged the body meanwhile gets a reader of that.
            PipeReader below = _requestPipe is not null && _context.Request.Body == _greenRequest
                ? _requestPipe.Reader
                : (_exchangedPipe ??= new RequestBodyPipeFeature(_context)).Reader;
            if (_reader is null || _readerBelow != below)
            {
                _reader = new GreenPipeReader(below);
                _readerBelow = below;
            }

            return _reader;
        }
    }

    bool IFormFeature.HasFormContentType => FormFeature.HasFormContentType;

    IFormCollection? IFormFeature.Form
    {
        get => FormFeature.Form;
        set => FormFeature.Form = value;
    }

    private IFormFeature FormFeature => _form ??= _formBefore ?? new FormFeature(
        _context.Request,
        (_context as DefaultHttpContext)?.FormOptions ?? new FormOptions());

    /// <summary>Puts them in place. Null if they are.</summary>
    public static GreenBodies? TryInstall(HttpContext context)
    {
        if (context.Features.Get<GreenBodies>() is not null || context.Features.Get<IHttpResponseBodyFeature>() is not { } response)
        {
            return null;
        }

        GreenBodies bodies = new(context, response);
        context.Features.Set(bodies);
        context.Request.Body = bodies._greenRequest;
        context.Features.Set<IRequestBodyPipeFeature>(bodies);
        context.Features.Set<IHttpResponseBodyFeature>(bodies);
        context.Features.Set<IFormFeature>(bodies);
        return bodies;
    }

    /// <summary>Puts back what was there, where it is still these.</summary>
    public void Remove()
    {
        IFeatureCollection features = _context.Features;
        features.Set<GreenBodies>(null);
        if (_context.Request.Body == _greenRequest)
        {
            _context.Request.Body = _request;
        }

        if (features.Get<IRequestBodyPipeFeature>() == this)
        {
            features.Set(_requestPipe);
        }

        if (features.Get<IHttpResponseBodyFeature>() == this)
        {
            features.Set(_response);
        }

        if (features.Get<IFormFeature>() == this)
        {
            features.Set(_form ?? _formBefore);
        }
    }

    public void DisableBuffering() => _response.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => _response.StartAsync(cancellationToken);

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        _response.SendFileAsync(path, offset, count, cancellationToken);

    public Task CompleteAsync() => _response.CompleteAsync();

    // That of the server blocks.
    IFormCollection IFormFeature.ReadForm() => Hub.IsInside ? Hub.Await(ReadSharedFormAsync) : FormFeature.ReadForm();

    Task<IFormCollection> IFormFeature.ReadFormAsync(CancellationToken cancellationToken) => FormFeature.ReadFormAsync(cancellationToken);

    // The form is read once for all. Who gives up leaves the read to the others; it ends with the last of them, because nobody may read
    // when the request has ended.
    private async Task<IFormCollection> ReadSharedFormAsync(CancellationToken cancellationToken)
    {
        Task<IFormCollection> read;
        CancellationTokenSource end;
        lock (_formLock)
        {
            _formReaders++;
            if (_formEnd is null || _formRead is not { IsCompleted: false })
            {
                _formEnd = new CancellationTokenSource();
                _formRead = FormFeature.ReadFormAsync(_formEnd.Token); // what it has read, it keeps
            }

            end = _formEnd;
            read = _formRead;
        }

        try
        {
            return await read.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            bool isLast;
            lock (_formLock)
            {
                isLast = --_formReaders == 0;
            }

            if (isLast && !read.IsCompleted)
            {
                await end.CancelAsync().ConfigureAwait(false);
                await ((Task)read).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
