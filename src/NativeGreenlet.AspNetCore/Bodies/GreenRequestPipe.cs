using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace NativeGreenlet.AspNetCore;

/// <summary>A request body's pipe that middleware has put in place: the streams that its reader makes park.</summary>
internal sealed class GreenRequestPipe(IRequestBodyPipeFeature below) : IRequestBodyPipeFeature
{
    private PipeReader? _readerBelow;
    private GreenPipeReader? _reader;

    public IRequestBodyPipeFeature Below => below;

    public PipeReader Reader
    {
        get
        {
            PipeReader readerBelow = below.Reader;
            if (_reader is null || _readerBelow != readerBelow)
            {
                _readerBelow = readerBelow;
                _reader = new GreenPipeReader(readerBelow);
            }

            return _reader;
        }
    }
}
