package main

import (
	"context"
)

func openAPI(ctx context.Context, files fileSet) ([]byte, error) {
	p := plugin{"protoc-gen-openapi", "title=Quire,version=v1,naming=json,enum_type=string,default_response=true,fq_schema_naming=false"}
	out, err := p.run(ctx, files)
	if err != nil {
		return nil, err
	}
	return []byte(out["openapi.yaml"]), nil
}
