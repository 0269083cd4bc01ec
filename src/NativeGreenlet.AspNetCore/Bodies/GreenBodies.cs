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
internal sealed class GreenBodies : IHttpResponseBodyFeature, IRequestBodyPipeFeature
{
    private readonly HttpContext _context;
    private readonly Stream _request;
    private readonly IRequestBodyPipeFeature? _requestPipe;
    private readonly IHttpResponseBodyFeature _response;
    private readonly IFormFeature? _formBefore;
    private readonly BodyStream _greenRequest;
    private readonly GreenForm _form;
    private readonly KeptBodies _kept;
    private GreenFeatures? _features;
    private GreenResponse? _greenResponse;
    private BodyStream? _stream;
    private RequestBodyPipeFeature? _exchangedPipe;
    private GreenPipeReader? _reader;
    private PipeReader? _readerBelow;
    private GreenPipeWriter? _writer;

    private GreenBodies(HttpContext context, IHttpResponseBodyFeature response, KeptBodies kept)
    {
        _kept = kept;
        _context = context;
        _response = response;
        _request = context.Request.Body;
        IFeatureCollection features = context.Features;
        _requestPipe = (IRequestBodyPipeFeature?)features[typeof(IRequestBodyPipeFeature)];
        _formBefore = (IFormFeature?)features[typeof(IFormFeature)];
        _greenRequest = new BodyStream(_request);
        _form = new GreenForm(() => _formBefore ?? MakeForm());
    }

    public Stream Stream => _stream ??= new BodyStream(_response.Stream);

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

    /// <summary>What the task of the request runs.</summary>
    public RequestStart Start { get; } = new();

    /// <summary>The hub on which the connection of the request lives; null if it lives on none.</summary>
    public IConnectionHubFeature? ConnectionHub => _kept.ConnectionHub;

    /// <summary>Puts them in place. Null if they are.</summary>
    // By the indexer: the generic methods of an interface cost a search each.
    public static GreenBodies? TryInstall(HttpContext context)
    {
        IFeatureCollection features = context.Features;
        if (features[typeof(GreenBodies)] is not null || features[typeof(IHttpResponseBodyFeature)] is not IHttpResponseBodyFeature response)
        {
            return null;
        }

        KeptBodies kept = KeptBodies.Of(context);
        GreenBodies bodies = kept.TryTake() is { } last && last.TryTakeOver(context, response) ? last : new(context, response, kept);
        features[typeof(GreenBodies)] = bodies;
        context.Request.Body = bodies._greenRequest;
        features[typeof(IRequestBodyPipeFeature)] = bodies;
        features[typeof(IHttpResponseBodyFeature)] = bodies;
        features[typeof(IFormFeature)] = bodies._form;
        bodies._features = GreenFeatures.Install(context, bodies._features);
        return bodies;
    }

    /// <summary>Puts the response in place as well; null if the server has none.</summary>
    /// <param name="hub">Where its callbacks are called.</param>
    public GreenResponse? TryInstallResponse(RequestHub hub) => _greenResponse = GreenResponse.TryInstall(_context, hub, _greenResponse);

    /// <summary>Puts back what was there, where it is still these.</summary>
    public void Remove()
    {
        GreenFeatures.Remove(_context);
        IFeatureCollection features = _context.Features;
        features[typeof(GreenBodies)] = null;
        if (_context.Request.Body == _greenRequest)
        {
            _context.Request.Body = _request;
        }

        if (features[typeof(IRequestBodyPipeFeature)] == this)
        {
            features[typeof(IRequestBodyPipeFeature)] = _requestPipe;
        }

        if (features[typeof(IHttpResponseBodyFeature)] == this)
        {
            features[typeof(IHttpResponseBodyFeature)] = _response;
        }

        if (features[typeof(IFormFeature)] == _form)
        {
            features[typeof(IFormFeature)] = _form.Found ?? _formBefore;
        }

        _kept.Return(this);
    }

    public void DisableBuffering() => _response.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => _response.StartAsync(cancellationToken);

    // The file is opened at once, and that may block.
    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => Hub.IsInside
        ? Task.Run(() => _response.SendFileAsync(path, offset, count, cancellationToken), CancellationToken.None)
        : _response.SendFileAsync(path, offset, count, cancellationToken);

    public Task CompleteAsync() => _response.CompleteAsync();

    // Those of the last request of the connection: the server's objects are mostly the same for the next one.
    private bool TryTakeOver(HttpContext context, IHttpResponseBodyFeature response)
    {
        if (context != _context || response != _response || context.Request.Body != _request || _greenRequest.IsMarked || _form.Found is not null
            || context.Features[typeof(IRequestBodyPipeFeature)] != _requestPipe || context.Features[typeof(IFormFeature)] != _formBefore)
        {
            return false;
        }

        if (_stream is { } stream && (stream.IsMarked || stream.Below != response.Stream))
        {
            _stream = null;
        }

        _exchangedPipe = null;
        _reader = null;
        _readerBelow = null;
        _writer = null;
        return true;
    }

    // The framework's own, which knows the limits of the endpoint: a request makes it that has none.
    private IFormFeature MakeForm()
    {
        IFeatureCollection features = _context.Features is GreenFeatures green ? green.Server : _context.Features;
        features.Set<IFormFeature>(null);
        DefaultHttpContext maker = new(features);
        if (_context is DefaultHttpContext { FormOptions: { } options })
        {
            maker.FormOptions = options;
        }

        _ = maker.Request.HasFormContentType;
        IFormFeature made = features.GetRequiredFeature<IFormFeature>();
        features.Set<IFormFeature>(_form);
        return made;
    }
}
