// SPDX-License-Identifier: ISC

// A competitor of the benchmark: the receiver's job in Go, with net/http and
// pgx. BENCH_MODE=plain inserts each event by itself; BENCH_MODE=group gathers
// what waits and inserts it in one transaction, as hookledger does.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v4/pgxpool"
)

const (
	bodyMax  = 1 << 20
	batchMax = 128
)

type callback struct {
	EventID   int64     `json:"event_id"`
	CreatedAt time.Time `json:"created_at"`
	CreatorID int64     `json:"creator_id"`
	Metadata  struct {
		Action      string `json:"action"`
		Model       string `json:"model"`
		WorkspaceID string `json:"workspace_id"`
	} `json:"metadata"`
	Payload struct {
		ID int64 `json:"id"`
	} `json:"payload"`

	workspaceID int64
	signature   []byte
	body        string
	done        chan error
}

var (
	secret = []byte(os.Getenv("HOOKLEDGER_BENCH_SECRET"))
	ok     = []byte(`{"status":"OK"}`)
)

const insertOne = `insert into event (workspace_id, event_id, created_at, endpoint_id, secret_id,
 signature, creator_id, model, action, entity_id, body)
 values ($1, $2, $3, 1, 1, $4, $5, $6, $7, $8, $9) on conflict do nothing`

const insertMany = `insert into event (workspace_id, event_id, created_at, endpoint_id, secret_id,
 signature, creator_id, model, action, entity_id, body)
 select w, e, c, 1, 1, s, u, m, a, i, b::json
 from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bytea[], $5::bigint[],
             $6::text[], $7::text[], $8::bigint[], $9::text[]) as t(w, e, c, s, u, m, a, i, b)
 on conflict do nothing`

type recorder interface {
	record(ctx context.Context, cb *callback) error
}

type plain struct{ pool *pgxpool.Pool }

func (p plain) record(ctx context.Context, cb *callback) error {
	_, err := p.pool.Exec(ctx, insertOne, cb.workspaceID, cb.EventID, cb.CreatedAt, cb.signature,
		cb.CreatorID, cb.Metadata.Model, cb.Metadata.Action, cb.Payload.ID, cb.body)
	return err
}

type group struct {
	pool    *pgxpool.Pool
	waiting chan *callback
}

func (g group) record(ctx context.Context, cb *callback) error {
	cb.done = make(chan error, 1)
	g.waiting <- cb
	return <-cb.done
}

// Takes one callback, and all that wait behind it, and commits them at once.
func (g group) commit() {
	for first := range g.waiting {
		batch := []*callback{first}
	gather:
		for len(batch) < batchMax {
			select {
			case cb := <-g.waiting:
				batch = append(batch, cb)
			default:
				break gather
			}
		}
		err := g.insert(batch)
		if err != nil && len(batch) > 1 {
			// One bad body must not fail its neighbours.
			for _, cb := range batch {
				cb.done <- g.insert([]*callback{cb})
			}
			continue
		}
		for _, cb := range batch {
			cb.done <- err
		}
	}
}

func (g group) insert(batch []*callback) error {
	n := len(batch)
	workspaces, events, creators, entities := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	times, signatures := make([]time.Time, n), make([][]byte, n)
	models, actions, bodies := make([]string, n), make([]string, n), make([]string, n)
	for i, cb := range batch {
		workspaces[i], events[i], creators[i], entities[i] = cb.workspaceID, cb.EventID, cb.CreatorID, cb.Payload.ID
		times[i], signatures[i] = cb.CreatedAt, cb.signature
		models[i], actions[i], bodies[i] = cb.Metadata.Model, cb.Metadata.Action, cb.body
	}
	_, err := g.pool.Exec(context.Background(), insertMany, workspaces, events, times, signatures,
		creators, models, actions, entities, bodies)
	return err
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, `{"error":"`+why+`"}`)
}

func handler(r recorder) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPost {
			refuse(w, http.StatusMethodNotAllowed, "only POST")
			return
		}
		if req.ContentLength < 0 || req.ContentLength > bodyMax {
			refuse(w, http.StatusRequestEntityTooLarge, "no length or too long")
			return
		}
		body := make([]byte, req.ContentLength)
		if _, err := io.ReadFull(req.Body, body); err != nil {
			refuse(w, http.StatusBadRequest, "incomplete")
			return
		}
		given, err := hex.DecodeString(strings.TrimPrefix(req.Header.Get("X-Webhook-Signature-256"), "sha256="))
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
			refuse(w, http.StatusUnauthorized, "wrong signature")
			return
		}
		cb := &callback{signature: given, body: string(body)}
		if err := json.Unmarshal(body, cb); err != nil {
			refuse(w, http.StatusBadRequest, "not an event")
			return
		}
		if cb.workspaceID, err = strconv.ParseInt(cb.Metadata.WorkspaceID, 10, 64); err != nil {
			refuse(w, http.StatusBadRequest, "no workspace")
			return
		}
		if err := r.record(req.Context(), cb); err != nil {
			log.Print(err)
			refuse(w, http.StatusServiceUnavailable, "not recorded")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(ok)
	}
}

func main() {
	config, err := pgxpool.ParseConfig(os.Getenv("BENCH_DATABASE"))
	if err != nil {
		log.Fatal(err)
	}
	size, err := strconv.Atoi(os.Getenv("BENCH_POOL"))
	if err != nil {
		log.Fatal("BENCH_POOL: ", err)
	}
	config.MaxConns = int32(size)
	pool, err := pgxpool.ConnectConfig(context.Background(), config)
	if err != nil {
		log.Fatal(err)
	}
	var r recorder = plain{pool}
	if os.Getenv("BENCH_MODE") == "group" {
		g := group{pool, make(chan *callback, 4096)}
		for i := 0; i < size; i++ {
			go g.commit()
		}
		r = g
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("BENCH_PORT"), handler(r)))
}
