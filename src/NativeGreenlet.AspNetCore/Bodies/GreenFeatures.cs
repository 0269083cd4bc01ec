using System.Collections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace NativeGreenlet.AspNetCore;

/// <summary>
/// The features of a request as it sees them while it runs on a greenlet. What middleware and filters put in place meanwhile, a form with
/// limits of its own, a body that compresses, is the server's to keep; whoever asks for it gets it with synchronous methods that park.
/// </summary>
internal sealed class GreenFeatures(IFeatureCollection below) : IFeatureCollection
{
    private GreenForm? _form;
    private GreenRequestPipe? _pipe;
    private IGreenResponseBody? _response;

    /// <summary>Those of the server.</summary>
    public IFeatureCollection Server => below;

    public bool IsReadOnly => below.IsReadOnly;

    public int Revision => below.Revision;

    public object? this[Type key]
    {
        get => Above(key, below[key]);
        set => below[key] = Below(value);
    }

    /// <summary>Puts it in place, where a context can have another one.</summary>
    /// <param name="context">The context.</param>
    /// <param name="last">That of the last request of the connection, which is used again if it can be.</param>
    public static GreenFeatures? Install(HttpContext context, GreenFeatures? last)
    {
        if (context is not DefaultHttpContext exchangeable)
        {
            return null;
        }

        GreenFeatures features = last is not null && last.Server == context.Features ? last : new GreenFeatures(context.Features);
        features._form = null;
        features._pipe = null;
        features._response = null;
        exchangeable.Initialize(features);
        return features;
    }

    /// <summary>Puts back what was there.</summary>
    public static void Remove(HttpContext context)
    {
        if (context is DefaultHttpContext { Features: GreenFeatures features } exchangeable)
        {
            exchangeable.Initialize(features.Server);
        }
    }

    public TFeature? Get<TFeature>() => IsExchanged(typeof(TFeature)) ? (TFeature?)this[typeof(TFeature)] : below.Get<TFeature>();

    public void Set<TFeature>(TFeature? instance)
    {
        if (IsExchanged(typeof(TFeature)))
        {
            this[typeof(TFeature)] = instance;
        }
        else
        {
            below.Set(instance);
        }
    }

    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator() => below.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => below.GetEnumerator();

    private static bool IsExchanged(Type type) =>
        type == typeof(IFormFeature) || type == typeof(IHttpResponseBodyFeature) || type == typeof(IRequestBodyPipeFeature);

    private static object? Below(object? feature) => feature switch
    {
        GreenForm { Exchanged: { } form } => form,
        GreenRequestPipe pipe => pipe.Below,
        IGreenResponseBody response => response.Below,
        _ => feature,
    };

    private object? Above(Type type, object? feature) => feature switch
    {
        null or GreenBodies or GreenForm => feature,
        IFormFeature form when type == typeof(IFormFeature) => Of(form),
        IRequestBodyPipeFeature pipe when type == typeof(IRequestBodyPipeFeature) => Of(pipe),
        IHttpResponseBodyFeature response when type == typeof(IHttpResponseBodyFeature) => Of(response),
        _ => feature,
    };

    private GreenForm Of(IFormFeature form) => _form?.Exchanged == form ? _form : _form = new GreenForm(form);

    private GreenRequestPipe Of(IRequestBodyPipeFeature pipe) => _pipe?.Below == pipe ? _pipe : _pipe = new GreenRequestPipe(pipe);

    private IGreenResponseBody Of(IHttpResponseBodyFeature response) => _response?.Below == response
        ? _response
        : _response = response is StreamResponseBodyFeature stream ? new GreenStreamResponseBody(stream) : new GreenResponseBody(response);
}
